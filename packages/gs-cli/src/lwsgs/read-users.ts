import { accessSync, constants, statSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import type { ImportedAccount } from 'fastify-gs/admin'
import { CliError } from '../cli-error.ts'

/** What stands in gs_imports for people who came from lwsgs. */
export const lwsgsSource = 'lwsgs'

/** A user of lwsgs: ready for `importAccounts`, or the reason why not. */
export type LwsgsUser = { readonly account: ImportedAccount } | { readonly name: string; readonly refused: string }

export interface LwsgsUsers {
  readonly count: number
  /** Hashes of 2.x are SHA-1, those of 3.x SHA-256. */
  readonly hashes: { readonly sha1: number; readonly sha256: number }
  /**
   * Those who have confirmed their address first, or an older row that nobody has confirmed would take a member's name away; then in the
   * order in which they were written. Each user is a query of its own: a running server is not kept waiting.
   */
  batches(size: number): Generator<readonly LwsgsUser[]>
  /** In the form in which `importAccounts` takes it; null: there is no such user, or its hash is none. */
  passwordHashOf(username: string): string | null
  close(): void
}

interface Row {
  username: unknown
  email: unknown
  creation_time: unknown
  pwhash: unknown
  pwsalt: unknown
  verified: unknown
}

/** Bits 0–7 of `verified` hold the state, and this is "has followed the link in the mail". */
const confirmed = 100

const columns = ['username', 'email', 'creation_time', 'pwhash', 'pwsalt', 'verified'] as const

/** Whether a database holds the users of lwsgs; its own files and those of fastify-gs can be the same. */
export function hasLwsgsUsers(path: string): boolean {
  const db = open(path)
  try {
    return isLwsgs(db)
  } finally {
    db.close()
  }
}

/**
 * Opens the database of libwebsockets' generic-sessions, 2.x or later, for reading.
 *
 * @throws {CliError} there is no such file, it cannot be read, or it is no database of lwsgs
 */
export function openLwsgsUsers(path: string): LwsgsUsers {
  const db = open(path)
  try {
    if (!isLwsgs(db)) throw new CliError(`${path} is no database of lwsgs: it has no table "users" with ${columns.join(', ')}.`)
    const hashesOf = (length: number) =>
      db.prepare<[number], number>('select count(*) from users where length(pwhash) = ?').pluck().get(length) ?? 0
    const named = db.prepare<[string], Row>(`select ${columns.join(', ')} from users where username = ?`)
    // Numbers of SQLite are larger than those of JavaScript.
    const inOrder = db.prepare<[], bigint>(`select rowid from users order by (verified & 255) = ${confirmed} desc, rowid`).safeIntegers()
    const byId = db.prepare<[bigint], Row>(`select ${columns.join(', ')} from users where rowid = ?`)
    return {
      count: db.prepare<[], number>('select count(*) from users').pluck().get() ?? 0,
      hashes: { sha1: hashesOf(40), sha256: hashesOf(64) },
      *batches(size) {
        const ids = inOrder.pluck().all()
        for (let at = 0; at < ids.length; at += size) {
          yield ids.slice(at, at + size).flatMap((id) => {
            const row = byId.get(id)
            return row === undefined ? [] : [toUser(row)]
          })
        }
      },
      passwordHashOf(username) {
        const row = named.get(username)
        const user = row === undefined ? undefined : toUser(row)
        return user !== undefined && 'account' in user ? user.account.passwordHash : null
      },
      close: () => db.close()
    }
  } catch (error) {
    db.close()
    throw explain(path, error)
  }
}

function open(path: string): Sqlite.Database {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new CliError(
      missing ? `There is no file ${path}.` : `${path} cannot be read by this user; check its owner and mode.`,
      undefined,
      {
        cause: error
      }
    )
  }
  if (!statSync(path).isFile()) throw new CliError(`${path} is no file; give the path of lwsgs' database, its option session-db.`)
  let db: Sqlite.Database | undefined
  try {
    db = new Sqlite(path, { readonly: true, fileMustExist: true })
    db.prepare('select count(*) from sqlite_schema').get()
    return db
  } catch (error) {
    db?.close()
    throw explain(path, error)
  }
}

function explain(path: string, error: unknown): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error
  const { code, message } = error
  const because = /^SQLITE_(NOTADB|CORRUPT)/.test(code)
    ? "is no intact SQLite database; give the path of lwsgs' database, its option session-db"
    : /^SQLITE_(BUSY|LOCKED)/.test(code)
      ? 'is locked by a server that is writing to it; stop that server, or try again'
      : `cannot be read (${message}); make a copy with "sqlite3 ${path} .backup" where this user may write, and use that`
  return new CliError(`${path} ${because}.`, undefined, { cause: error })
}

function isLwsgs(db: Sqlite.Database): boolean {
  const found = db.prepare<[], string>("select name from pragma_table_info('users')").pluck().all()
  return columns.every((column) => found.includes(column))
}

const isVerified = (verified: unknown) => typeof verified === 'number' && (verified & 0xff) === confirmed

const hashPattern = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

function toUser({ username, email, creation_time: created, pwhash, pwsalt, verified }: Row): LwsgsUser {
  if (typeof username !== 'string') {
    const name = username === null ? '(none)' : Buffer.isBuffer(username) ? username.toString() : JSON.stringify(username)
    return { name, refused: 'The user name is no text; nobody can have logged in with it.' }
  }
  if (typeof pwhash !== 'string' || !hashPattern.test(pwhash) || typeof pwsalt !== 'string' || !hashPattern.test(pwsalt)) {
    return { name: username, refused: 'The password hash is neither that of lwsgs 2.x (40 hex digits) nor that of 3.x (64).' }
  }
  return {
    account: {
      name: username,
      email: typeof email === 'string' && email !== '' ? email : null,
      passwordHash: `$lwsgs-${pwhash.length === 40 ? 'sha1' : 'sha256'}$${pwsalt}$${pwhash}`,
      verified: isVerified(verified),
      createdAt: typeof created === 'number' && created > 0 && created * 1000 <= Date.now() ? created * 1000 : null
    }
  }
}
