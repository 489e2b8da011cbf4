import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { temporaryDirectory } from '../testing/run-gs.ts'
import { accessLine, openAccessLog } from './access-log.ts'

async function lineOf(t: TestContext, url: string, headers: Record<string, string> = {}): Promise<string> {
  const app = Fastify()
  t.after(() => app.close())
  let line = ''
  app.get('*', (_request, reply) => reply.header('content-length', 3).send('abc'))
  app.addHook('onResponse', (request, reply, done) => {
    line = accessLine(request, reply, new Date(Date.UTC(2026, 10, 5, 6, 7, 8)))
    done()
  })
  await app.inject({ url, headers })
  return line
}

describe('a line of the access log', () => {
  it('has the combined format', async (t) => {
    assert.equal(
      await lineOf(t, '/page.html', { 'user-agent': 'Browser/1.0 (X11)', referer: 'http://site.test/' }),
      '127.0.0.1 - - [05/Nov/2026:06:07:08 +0000] "GET /page.html HTTP/1.1" 200 3 "http://site.test/" "Browser/1.0 (X11)"\n'
    )
  })

  it('has no query, neither of the address nor of the page before: links in mails have their token there', async (t) => {
    const line = await lineOf(t, '/lwsgs/lwsgs-confirm?token=secret', {
      referer: 'http://site.test/lwsgs/lwsgs-forgot?token=secret#secret'
    })
    assert.doesNotMatch(line, /secret/)
    assert.match(line, /"GET \/lwsgs\/lwsgs-confirm HTTP/)
  })

  it('stays one line, whatever a client calls itself', async (t) => {
    const line = await lineOf(t, '/', { 'user-agent': 'a" 200 \\ \u001b[2J\u00e9\t' })
    assert.match(line, /"a\\x22 200 \\x5c \\x1b\[2J\\xe9\\x09"\n$/)
  })
})

describe('the file of the access log', () => {
  it('is begun anew after it was renamed', async (t) => {
    const path = join(temporaryDirectory(t), 'access.log')
    const log = await openAccessLog(path, assert.fail)
    const app = Fastify()
    app.get('*', (_request, reply) => reply.send(''))
    app.addHook('onResponse', (request, reply, done) => {
      log.write(request, reply)
      done()
    })
    await app.inject('/first')
    renameSync(path, `${path}.1`)
    log.reopen()
    await app.inject('/second')
    await app.close()
    await log.close()
    assert.match(readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8'), /GET \/first .*\n.*GET \/second .*\n$/)
    assert.match(readFileSync(path, 'utf8'), /second/)
  })

  it('is refused in a sentence when it cannot be written', async (t) => {
    const path = join(temporaryDirectory(t), 'missing', 'access.log')
    await assert.rejects(openAccessLog(path, assert.fail), {
      name: 'CliError',
      message: /^The access log .*access\.log cannot be written \(ENOENT\); make/
    })
  })
})
