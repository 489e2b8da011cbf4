import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildApp } from './app.ts'

const { PORT = '7682', HOST = '127.0.0.1', GS_DATA_DIR = './data/plus-one' } = process.env

try {
  process.umask(0o077)
  const dataDirectory = resolve(GS_DATA_DIR)
  mkdirSync(dataDirectory, { recursive: true })
  const app = await buildApp({ dataDirectory, webDirectory: join(import.meta.dirname, '..', 'dist') })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close())
  await app.listen({ port: Number(PORT), host: HOST })
  process.stdout.write(`\n  Plus one  http://localhost:${PORT}/\n  Data      ${dataDirectory}\n\n`)
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  const cure = code === 'EADDRINUSE' ? `Port ${PORT} is already in use: choose another one, e.g. PORT=${Number(PORT) + 1}.` : message
  process.stderr.write(`${cure}\n`)
  process.exitCode = 1
}
