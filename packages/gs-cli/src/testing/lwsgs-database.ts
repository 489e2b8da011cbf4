import { createHash, randomBytes } from 'node:crypto'
import Sqlite from 'better-sqlite3'

export interface LwsgsTestUser {
  readonly username: string
  readonly email?: string
  /** Default: `old password of <username>`. */
  readonly password?: string
  /** 0 registered, 1 mail sent, 100 confirmed. Default: 100. */
  readonly verified?: number
  /** Instead of that of the password. */
  readonly pwhash?: string
}

export const lwsgsConfounder = 'a confounder of 31 characters!!'

/** A session-db as libwebsockets 2.x (SHA-1) or 3.x (SHA-256) has left it. */
export function makeLwsgsDatabase(path: string, version: 2 | 3, users: readonly LwsgsTestUser[]): void {
  const algorithm = version === 2 ? 'sha1' : 'sha256'
  const saltLength = version === 2 ? 20 : 32
  const db = new Sqlite(path)
  db.exec('create table sessions (name char(65), username varchar(32), expire integer)')
  if (version === 2) db.exec('create table email (username varchar(32), content blob, primary key (username))')
  db.exec(`create table users (
    username varchar(32), creation_time integer, ip varchar(46), email varchar(100), pwhash varchar(65), pwsalt varchar(65),
    pwchange_time integer, token varchar(65), verified integer, token_time integer, last_forgot_validated integer, primary key (username))`)
  const insert = db.prepare(
    "insert into users (username, creation_time, ip, email, pwhash, pwsalt, token, verified) values (?, ?, '127.0.0.1', ?, ?, ?, '', ?)"
  )
  db.transaction(() => {
    for (const { username, email = `${username}@mail.test`, password = `old password of ${username}`, verified = 100, pwhash } of users) {
      const salt = randomBytes(saltLength).toString('hex')
      const hash = createHash(algorithm).update(`${password}-${lwsgsConfounder}-${salt}`).digest('hex')
      insert.run(username, 1_500_000_000, email, pwhash ?? hash, salt, verified)
    }
  })()
  db.close()
}
