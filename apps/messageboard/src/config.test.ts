import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { readConfig } from './config.ts'
import { StartError } from './start-error.ts'

/** The sentence with which a setting is refused. */
function refusal(env: NodeJS.ProcessEnv): string {
  try {
    readConfig(env)
  } catch (error) {
    assert.ok(error instanceof StartError)
    return error.message
  }
  return assert.fail(`accepted ${JSON.stringify(env)}`)
}

describe('readConfig', () => {
  it('has a default for everything', () => {
    const config = readConfig({})
    assert.deepEqual(
      { ...config, webDirectory: '' },
      {
        port: 7681,
        host: '127.0.0.1',
        dataDirectory: resolve('data'),
        baseUrl: 'http://localhost:7681',
        adminPassword: undefined,
        smtpUrl: undefined,
        mailFrom: 'noreply@localhost',
        databaseUrl: undefined,
        trustProxy: [],
        webDirectory: ''
      }
    )
    assert.ok(Object.isFrozen(config))
  })

  it('counts an empty variable as not set', () => {
    assert.deepEqual(readConfig({ PORT: '', GS_BASE_URL: '', SMTP_URL: '', GS_ADMIN_PASSWORD: '' }), readConfig({}))
  })

  it('derives the address of the board from the port', () => {
    assert.equal(readConfig({ PORT: '8080' }).baseUrl, 'http://localhost:8080')
  })

  it('takes what is well-formed', () => {
    const config = readConfig({
      PORT: '80',
      HOST: '0.0.0.0',
      GS_DATA_DIR: '/var/lib/board',
      GS_BASE_URL: 'https://Board.Example/',
      GS_ADMIN_PASSWORD: 'a long enough one',
      SMTP_URL: 'smtps://user:p%40ss@mail.example:465',
      DATABASE_URL: 'postgres://user:secret@db.example/board'
    })
    assert.equal(config.port, 80)
    assert.equal(config.host, '0.0.0.0')
    assert.equal(config.dataDirectory, '/var/lib/board')
    assert.equal(config.baseUrl, 'https://board.example')
    assert.equal(config.mailFrom, 'noreply@board.example')
    assert.equal(config.smtpUrl, 'smtps://user:p%40ss@mail.example:465')
    assert.equal(config.databaseUrl, 'postgres://user:secret@db.example/board')
  })

  it('has a sender that mail servers understand when the board has only a number', () => {
    assert.equal(readConfig({ GS_BASE_URL: 'http://127.0.0.1:7681' }).mailFrom, 'noreply@localhost')
    assert.equal(readConfig({ GS_BASE_URL: 'http://[::1]:7681' }).mailFrom, 'noreply@localhost')
  })

  const bad = {
    PORT: ['0', '65536', '-1', '7681.5', '0x50', '1e3', ' 7681', 'http', '99999999999'],
    GS_BASE_URL: [
      'board.example',
      'localhost:7681',
      'ftp://board.example',
      'http://board.example/lwsgs',
      'https://user@board.example',
      'https://board.example/?x',
      'https://board.example/#x',
      'http:board.example',
      'http://'
    ],
    SMTP_URL: ['mail.example', 'http://mail.example', 'smtp:mail.example', 'smtp://', 'smtp://user:a b@:x'],
    DATABASE_URL: ['mysql://db/board', 'board.sqlite3', 'postgres:'],
    GS_ADMIN_PASSWORD: ['seven77', '\ud800 ill-formed', 'x'.repeat(1025)],
    TRUST_PROXY: ['true', '1', 'proxy.example', '10.0.0.0/8;::1'],
    MAIL_FROM: ['nobody', 'a@b, c@d.example', 'Name <a@b.example>', 'a@b\r\nBcc: c@d.example']
  }
  for (const [name, values] of Object.entries(bad)) {
    it(`refuses a bad ${name} in one sentence that names it and the cure`, () => {
      for (const value of values) {
        const message = refusal({ [name]: value })
        assert.match(message, new RegExp(`^${name} .*[.]$`))
        assert.match(message, /must (be|have|look)/)
        assert.doesNotMatch(message, /\n/)
      }
    })
  }

  it('does not repeat passwords in its sentences', () => {
    assert.doesNotMatch(refusal({ SMTP_URL: 'smtp//user:hunter2@mail' }), /hunter2/)
    assert.doesNotMatch(refusal({ DATABASE_URL: 'mysql://user:hunter2@db' }), /hunter2/)
    assert.doesNotMatch(refusal({ GS_ADMIN_PASSWORD: 'hunter2' }), /hunter2/)
  })
})
