import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

describe('fastify-gs-ws/client in a page', () => {
  it('has at most 4096 bytes, gzipped, and imports nothing', async () => {
    const result = (await build({
      root: import.meta.dirname,
      configFile: false,
      logLevel: 'silent',
      publicDir: false,
      build: {
        write: false,
        target: 'es2022',
        minify: true,
        lib: { entry: join(import.meta.dirname, 'index.ts'), formats: ['iife'], name: 'gsWs' }
      }
    })) as Rolldown.RolldownOutput[]
    const chunks = result.flatMap(({ output }) => output).filter((part) => part.type === 'chunk')
    assert.equal(chunks.length, 1)
    const { code, imports, dynamicImports } = chunks[0]!
    assert.deepEqual([...imports, ...dynamicImports], [])
    const size = gzipSync(code, { level: 9 }).length
    assert.ok(size <= 4096, `${size} bytes`)
    assert.ok(size > 1000, 'the client is in it')
  })
})
