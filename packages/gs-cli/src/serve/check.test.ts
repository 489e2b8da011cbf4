import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gs } from '../testing/run-gs.ts'
import { makeSampleSite, type SampleSite } from '../testing/sample-site.ts'

describe('gs serve --check', () => {
  it('says that a configuration is good, warns, and leaves nothing behind', async (t) => {
    const site = await makeSampleSite(t)
    const { code, stdout, stderr } = await gs(['serve', '--check', site.config])
    assert.deepEqual([code, stdout], [0, `${site.config} is good.\n`])
    assert.match(stderr, /^warning: .*conf\.d\/site:\d+: .*admin-password-sha1.*gs hash-password/)
    assert.doesNotMatch(stderr, /^error/m)
    assert.equal(existsSync(site.sessionDb), false)
    assert.equal(existsSync(`${site.sessionDb}.keys`), false)
  })

  it('shows all problems at once, with file and line', async (t) => {
    const site = await makeSampleSite(t)
    const path = join(site.config, 'conf.d/site')
    const text = readFileSync(path, 'utf8').replace('"auth-mask": "5"', '"auth-mask": "five"').replace('"email-from"', '"email-form"')
    writeFileSync(path, text)
    const { code, stderr } = await gs(['serve', '--check', site.config])
    assert.equal(code, 1)
    assert.match(stderr, /^error: .*conf\.d\/site:\d+: .*auth-mask/m)
    assert.match(stderr, /^error: .*conf\.d\/site:\d+: .*email-form.*email-from/m)
    assert.match(stderr, /has \d errors; see above\.\n$/)
  })

  const mistakes: [string, (site: SampleSite) => void, RegExp][] = [
    [
      'the key file can be read by everybody',
      (site) => {
        writeFileSync(`${site.sessionDb}.keys`, `${'k'.repeat(43)}\n`)
        chmodSync(`${site.sessionDb}.keys`, 0o644)
      },
      /^error: .*lws\.sqlite3\.keys holds the secret keys.*chmod 600/m
    ],
    [
      'the directory of the database is missing',
      (site) => edit(site, (text) => text.replace(/"session-db": "[^"]*"/, `"session-db": "${site.directory}/nowhere/lws.sqlite3"`)),
      /^error: .*nowhere.* is not there/m
    ],
    [
      'the database would be served',
      (site) =>
        edit(site, (text) => text.replace(/"session-db": "[^"]*"/, `"session-db": "${site.directory}/generic-sessions/lws.sqlite3"`)),
      /^error: .*would serve the database .*generic-sessions\/lws\.sqlite3/m
    ],
    [
      'the access log cannot be written',
      (site) => edit(site, (text) => text.replace('"mounts"', `"access-log": "${site.directory}/nowhere/access.log", "mounts"`)),
      /^error: .*nowhere.*access log/m
    ],
    [
      'the same directory has two masks',
      (site) => edit(site, (text) => text.replace('generic-sessions/needadmin"', 'generic-sessions/needauth"')),
      /^error: .*needauth/m
    ]
  ]
  for (const [name, make, sentence] of mistakes) {
    it(`finds that ${name}`, async (t) => {
      const site = await makeSampleSite(t)
      mkdirSync(join(site.directory, 'generic-sessions', 'needadmin'), { recursive: true })
      make(site)
      const { code, stderr } = await gs(['serve', '--check', site.config])
      assert.equal(code, 1, stderr)
      assert.match(stderr, sentence)
    })
  }
})

describe('gs serve', () => {
  it('refuses keys that a mount would show', async (t) => {
    const site = await makeSampleSite(t)
    const { code, stderr } = await gs(['serve', '--check', site.config, '--keys', join(site.directory, 'generic-sessions', 'keys')])
    assert.equal(code, 1)
    assert.match(stderr, /^error: .*conf\.d\/site:\d+: the mount "\/lwsgs" .*would serve the secret keys/m)
  })

  it('says what is wrong with its arguments', async () => {
    for (const [args, exitCode, sentence] of [
      [['serve'], 2, /missing required argument/],
      [['serve', '/nowhere/at/all'], 1, /There is no configuration \/nowhere\/at\/all/],
      [['serve', '.', '--trust-proxy', '2'], 2, /--trust-proxy has "2"/],
      [['serve', '.', '--log-level', 'loud'], 2, /loud/]
    ] as const) {
      const { code, stderr } = await gs(args)
      assert.equal(code, exitCode, stderr)
      assert.match(stderr, sentence)
      assert.match(stderr, /^[^\n]+\n$/)
    }
  })
})

function edit(site: SampleSite, change: (text: string) => string): void {
  const path = join(site.config, 'conf.d/site')
  writeFileSync(path, change(readFileSync(path, 'utf8')))
}
