import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { GsOptionError, GsStartError, hashPassword, verifyPassword } from 'fastify-gs'
import pretty from 'pino-pretty'
import { buildApp } from './app.ts'
import { readConfig, type Config } from './config.ts'
import { prepareDataDirectory, readAdminPasswordHash, readKeyRing, writeAdminPasswordHash } from './data-directory.ts'
import { StartError } from './start-error.ts'

/** How long a stop may take, in ms. Requests that are still running two seconds before that are cut off. */
const stopLimit = 10_000

const listenProblems: Record<string, (config: Config) => string> = {
  EADDRINUSE: ({ port }) => `Port ${port} is already in use: stop the program that uses it, or choose another port, e.g. PORT=${port + 1}.`,
  EACCES: ({ port }) => `Port ${port} may not be used by this user: choose one from 1024 on, e.g. PORT=7681.`,
  EADDRNOTAVAIL: ({ host }) => `HOST is ${JSON.stringify(host)}, which is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all.`,
  ENOTFOUND: ({ host }) => `HOST is ${JSON.stringify(host)}, which is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all.`
}

function explainListenError(error: NodeJS.ErrnoException, config: Config): StartError {
  const { host, port } = config
  const explained = listenProblems[error.code ?? '']?.(config)
  const otherwise = `The board cannot listen at ${host}, port ${port} (${error.code ?? error.message}): choose another HOST or PORT.`
  return new StartError(explained ?? otherwise, { cause: error })
}

/** Finds out before anything is opened: a second board must not send the first one's mail. */
async function refuseTakenPort(config: Config): Promise<void> {
  const probe = createServer()
  try {
    probe.listen(config.port, config.host)
    await once(probe, 'listening')
    probe.close()
    await once(probe, 'close')
  } catch (error) {
    throw explainListenError(error as NodeJS.ErrnoException, config)
  }
}

async function start(): Promise<void> {
  const config = readConfig(process.env)
  // What the board writes is for its owner only.
  process.umask(0o077)
  await refuseTakenPort(config)
  await prepareDataDirectory(config.dataDirectory)
  const keys = await readKeyRing(config.dataDirectory)

  const storedHash = await readAdminPasswordHash(config.dataDirectory)
  const newPassword = config.adminPassword === undefined && storedHash === null ? randomBytes(18).toString('base64url') : undefined
  const password = config.adminPassword ?? newPassword
  // Another hash of the same password would log the admin out at each start.
  const unchanged = storedHash !== null && (password === undefined || (await verifyPassword(password, storedHash)))
  const adminPasswordHash = unchanged ? storedHash : await hashPassword(password!)

  const log = process.stdout.isTTY
    ? pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', singleLine: true, sync: true })
    : process.stdout
  const app = await buildApp({ ...config, keys, adminPasswordHash, log })

  let stopping = false
  const stop = async (signal: NodeJS.Signals) => {
    // A terminal and npm may each pass on the same Ctrl-C.
    if (stopping) return
    stopping = true
    app.log.info(`${signal}: stopping`)
    // A connection whose request was running at the signal would wait for another one.
    setInterval(() => app.server.closeIdleConnections(), 100).unref()
    setTimeout(() => app.server.closeAllConnections(), stopLimit - 2000).unref()
    setTimeout(() => process.exit(1), stopLimit).unref()
    await app.close()
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))

  try {
    await app.listen({
      port: config.port,
      host: config.host,
      // Not an address to click on: the one for visitors is in the banner.
      listenTextResolver: () => `listening on ${config.host}, port ${config.port}`
    })
  } catch (error) {
    await app.close()
    throw explainListenError(error as NodeJS.ErrnoException, config)
  }

  const lines = [
    '',
    `  Message board  ${config.baseUrl}/`,
    config.smtpUrl === undefined ? `  Mailbox        http://localhost:${config.port}/mailbox/  (mails are caught here, not sent)` : '',
    `  Data           ${config.dataDirectory}`,
    newPassword === undefined ? '' : `  Admin          user name admin, password ${newPassword}  (shown only this once)`
  ].filter((line, index) => index === 0 || line !== '')
  process.stdout.write(`${lines.join('\n')}\n\n`)
  // Stored after it was shown: a board that is killed in between makes up another one.
  if (!unchanged) await writeAdminPasswordHash(config.dataDirectory, adminPasswordHash)
}

try {
  await start()
} catch (error) {
  const isExplained = error instanceof StartError || error instanceof GsStartError || error instanceof GsOptionError
  process.stderr.write(`${isExplained ? error.message : (error as Error).stack}\n`)
  process.exit(1)
}
