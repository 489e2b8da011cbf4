import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { readLwswsConfig, type LwswsConfig } from '../compat/lwsws-config.ts'
import { temporaryDirectory } from './databases.ts'

/** JSON as it stands in a file. */
export class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Keys and values in their order, repeated ones too. */
export type Entries = readonly (readonly [key: string, value: unknown])[]

export const json = (value: unknown): string => {
  if (value instanceof Raw) return value.text
  return Array.isArray(value) ? `[${value.map(json).join(',')}]` : JSON.stringify(value)
}

/** An object with each member on a line of its own. */
export const object = (entries: Entries) =>
  new Raw(`{\n${entries.map(([key, value]) => `${JSON.stringify(key)}: ${json(value)}`).join(',\n')}\n}`)

/** Defaults, without those whose key is given. */
export const over = (defaults: Entries, given: Entries = []): Entries => [
  ...defaults.filter(([key]) => !given.some(([other]) => other === key)),
  ...given
]

export interface Parts {
  readonly root?: Entries
  readonly global?: Entries
  readonly vhost?: Entries
  readonly mount?: Entries
  readonly sessions?: Entries
}

export const sessionsObject = (given: Entries = []) =>
  object(
    over(
      [
        ['session-db', 'BASE/db/lws.sqlite3'],
        ['email-from', 'site@example.com']
      ],
      given
    ).filter(([, value]) => value !== undefined)
  )

export const mountObject = (given: Entries = []) =>
  object(
    over(
      [
        ['mountpoint', '/lwsgs'],
        ['origin', 'file://BASE/site']
      ],
      given
    )
  )

export const vhostObject = ({ vhost, mount, sessions }: Parts = {}) =>
  object(
    over(
      [
        ['name', 'localhost'],
        ['port', '7681'],
        ['mounts', [mountObject(mount)]],
        ['ws-protocols', [object([['protocol-generic-sessions', sessionsObject(sessions)]])]]
      ],
      vhost
    )
  )

export const fileWith = (parts: Parts) =>
  object([
    ...(parts.global === undefined ? [] : [['global', object(parts.global)] as const]),
    ...(parts.root ?? [['vhosts', [vhostObject(parts)]] as const])
  ]).text

export interface Read extends LwswsConfig {
  readonly base: string
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** Writes the files of a configuration directory, a site and a directory for databases, and reads it. */
export function read(t: TestContext, files: Readonly<Record<string, string>>, place = 'etc'): Read {
  const base = temporaryDirectory(t)
  for (const directory of ['etc/conf.d', 'site/needauth', 'site/needadmin', 'other', 'db', 'tls', 'run']) {
    mkdirSync(join(base, directory), { recursive: true })
  }
  for (const file of ['tls/key.pem', 'tls/cert.pem', 'tls/ca.pem', 'db/passwords']) writeFileSync(join(base, file), '')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(base, name)), { recursive: true })
    writeFileSync(join(base, name), text.replaceAll('BASE', base))
  }
  const config = readLwswsConfig(join(base, place), { dataDirectory: join(base, 'site') })
  const messages = (severity: string) =>
    config.problems.filter((problem) => problem.severity === severity).map(({ message }) => message.replaceAll(base, 'BASE'))
  for (const { file, line, message } of config.problems) assert.ok(message.startsWith(`${file}:${line}: `), message)
  return { ...config, base, errors: messages('error'), warnings: messages('warning') }
}

export const readParts = (t: TestContext, parts: Parts) => read(t, { 'conf.json': fileWith(parts) }, 'conf.json')
