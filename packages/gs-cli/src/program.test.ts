import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gs, gsJson, gsOnTerminal, main, temporaryDirectory } from './testing/run-gs.ts'

/** All commands, found by walking through the help: `[]`, `['user']`, `['user', 'list']` … */
async function allCommands(path: string[] = []): Promise<{ path: string[]; help: string }[]> {
  const { code, stdout, stderr } = await gs([...path, '--help'])
  assert.deepEqual([code, stderr], [0, ''], path.join(' '))
  const listed = /^Commands:\n((?: .*\n?)+)/m.exec(stdout)?.[1] ?? ''
  const names = [...listed.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name!).filter((name) => name !== 'help')
  const below = await Promise.all(names.map((name) => allCommands([...path, name])))
  return [{ path, help: stdout }, ...below.flat()]
}

test('the help of each command shows how it is used, and an example', async () => {
  const commands = await allCommands()
  const names = commands.map(({ path }) => path.join(' '))
  for (const name of [
    'user list',
    'user grant',
    'sessions end',
    'mail drop',
    'hash-password',
    'jwk generate',
    'jwt show',
    'migrate',
    'import-lwsgs'
  ]) {
    assert.ok(names.includes(name), name)
  }
  for (const { path, help } of commands) {
    assert.match(help, /^Usage: gs/)
    // A group of commands has its examples in them.
    if (!help.includes('\nCommands:')) assert.match(help, new RegExp(`\nExamples?:\n(  .*\n)*  .*gs ${path.join(' ')}\\b`), path.join(' '))
  }
})

test('the help loads neither the server nor a database', async () => {
  const listLoaded = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) { const found = next(name, context); process.stderr.write(found.url + '\\n'); return found } })`
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(listLoaded)}`]
  const loaded = (await gs(['--help'], { nodeArgs })).stderr
  assert.match(loaded, /commander/)
  assert.doesNotMatch(loaded, /fastify|better-sqlite3|\/pg\/|inquirer/)
})

test('says its version', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  assert.deepEqual(await gs(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('who asks wrongly gets one sentence and exit code 2', async (t) => {
  const cases: Record<string, [args: string[], message: RegExp]> = {
    'an unknown command': [['usr'], /^gs: unknown command 'usr' \(Did you mean user\?\)\n$/],
    'an unknown command below another': [['user', 'lst'], /^gs: unknown command 'lst' \(Did you mean list\?\)\n$/],
    'an unknown option': [['user', 'list', '--jsn'], /^gs: unknown option '--jsn' \(Did you mean --json\?\)\n$/],
    'a missing argument': [['user', 'show'], /^gs: missing required argument 'name'\n$/],
    'a missing value': [['migrate', '--database'], /^gs: option '-d, --database <place>' argument missing\n$/],
    'two places': [['user', 'list', '-d', 'x', '-c', 'y'], /^gs: Say --database or --config, not both\.\n$/],
    'a vhost without configuration': [['user', 'list', '--vhost', 'y'], /^gs: --vhost and --data belong to a configuration; .+\n$/],
    'a database of another kind': [['user', 'list', '-d', 'mysql://host/db'], /^gs: mysql: is no database of fastify-gs; .+\n$/],
    nothing: [[], /^Usage: gs /]
  }
  for (const [name, [args, message]] of Object.entries(cases)) {
    await t.test(name, async () => {
      const { code, stdout, stderr } = await gs(args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, message)
    })
  }
})

test('an unexpected error is one sentence too, and tells where on demand', async (t) => {
  const place = temporaryDirectory(t)
  const args = ['user', 'list', '--config', join(place, 'none')]
  const { code, stderr } = await gs(args)
  assert.equal(code, 1)
  assert.doesNotMatch(stderr, /\n\s+at /)
  assert.match((await gs(args, { env: { GS_DEBUG: '1' } })).stderr, /\n\s+at /)
})

test('survives a reader that goes before the end', async (t) => {
  const place = join(temporaryDirectory(t), 'gs.sqlite3')
  const child = spawn(process.execPath, [main, 'migrate', '--database', place], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(child, 'close')) as [number]
  assert.deepEqual([code, said], [0, ''])
  assert.deepEqual(await gsJson(['user', 'list', '--database', place]), { accounts: [], next: null })
})

// Only Linux has this device.
if (existsSync('/dev/full')) {
  test('says in one sentence that the answer could not be written', async (t) => {
    const place = join(temporaryDirectory(t), 'gs.sqlite3')
    const full = openSync('/dev/full', 'w')
    t.after(() => closeSync(full))
    const child = spawn(process.execPath, [main, 'migrate', '--database', place], { stdio: ['ignore', full, 'pipe'] })
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [code] = (await once(child, 'close')) as [number]
    assert.equal(code, 1)
    assert.match(said, /^gs: The answer could not be written \(ENOSPC.*\); .+\n$/)
    assert.deepEqual(await gsJson(['user', 'list', '--database', place]), { accounts: [], next: null })
  })
}

test('writes bold titles on a terminal only, and not with NO_COLOR', async (t) => {
  const place = ['--database', join(temporaryDirectory(t), 'gs.sqlite3')]
  await gsJson(['migrate', ...place])
  await gsJson(['user', 'add', 'ann', '--email', 'ann@mail.test', '--no-password', ...place])
  assert.match((await gsOnTerminal(['user', 'list', ...place], [])).seen, /\p{Cc}\[1mUSER/u)
  assert.doesNotMatch((await gsOnTerminal(['user', 'list', ...place], [], { NO_COLOR: '1' })).seen, /\p{Cc}\[/u)
  assert.doesNotMatch((await gs(['user', 'list', ...place])).stdout, /\p{Cc}\[/u)
})
