import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { StartError } from '../start-error.ts'
import { temporaryDirectory } from '../testing.ts'
import { openBoardDatabase } from './database.ts'
import { addMessage, emptyLog, findLastMessages, findPosition, removeMessage } from './messages.ts'

/** An empty board, closed. */
async function makeBoard(path: string): Promise<void> {
  const db = openBoardDatabase(path)
  await findPosition(db)
  await db.destroy()
}

function refuses(path: string, sentence: RegExp): void {
  const before = readFileSync(path)
  assert.throws(
    () => openBoardDatabase(path),
    (error) => {
      assert.ok(error instanceof StartError)
      assert.match(error.message, sentence)
      assert.ok(error.message.startsWith(path))
      return true
    }
  )
  assert.deepEqual(readFileSync(path), before, 'the file was changed')
}

describe('openBoardDatabase', () => {
  it('makes the file, and finds the posts again later', async (t) => {
    const directory = await temporaryDirectory(t)
    const path = join(directory, 'board.sqlite3')
    const first = openBoardDatabase(path)
    await addMessage(first, { accountId: 'a', username: 'alice', content: 'hello', time: 1 })
    await first.destroy()
    assert.deepEqual(readdirSync(directory), ['board.sqlite3'])

    const second = openBoardDatabase(path)
    t.after(() => second.destroy())
    assert.deepEqual(await findPosition(second), { seq: 1, idx: 1 })
  })

  it('syncs each commit to the disk', async (t) => {
    const db = openBoardDatabase(join(await temporaryDirectory(t), 'board.sqlite3'))
    t.after(() => db.destroy())
    assert.deepEqual((await sql`pragma journal_mode`.execute(db)).rows, [{ journal_mode: 'wal' }])
    assert.deepEqual((await sql`pragma synchronous`.execute(db)).rows, [{ synchronous: 2 }])
  })

  it('takes over the posts of the first version, which are nobody’s own', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    const file = new Sqlite(path)
    file.pragma('journal_mode = WAL')
    file.exec(`create table message (idx integer primary key autoincrement, time integer not null, username text not null, content text not null) strict;
      insert into message (idx, time, username, content) values (1, 5, 'alice', 'deleted before'), (7, 6, 'alice', 'an old "post" 😀'), (9, 7, 'bob', 'the last one');
      delete from message where idx = 1`)
    file.pragma('application_id = 1735609666')
    file.pragma('user_version = 1')
    file.close()

    const db = openBoardDatabase(path)
    t.after(() => db.destroy())
    assert.deepEqual(await findLastMessages(db, 99, 9), [
      { idx: 7, time: 6, username: 'alice', content: 'an old "post" 😀', accountId: null },
      { idx: 9, time: 7, username: 'bob', content: 'the last one', accountId: null }
    ])
    const alice = { accountId: 'a', username: 'alice', mayModerate: false }
    assert.equal(await removeMessage(db, alice, 7), 'not-yours')
    assert.equal(await removeMessage(db, { ...alice, mayModerate: true }, 7), 'removed')
    assert.deepEqual(await addMessage(db, { accountId: 'a', username: 'alice', content: 'new', time: 8 }), { idx: 10, added: true })
    assert.deepEqual(await findPosition(db), { seq: 2, idx: 10 })
  })

  it('has nothing left of what was deleted, whatever was stored around it', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    const db = openBoardDatabase(path)
    t.after(() => db.destroy())
    const moderator = { accountId: 'm', username: 'mo', mayModerate: true }
    let seed = 7
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    const kept = new Set<number>()
    for (let round = 0; round < 400; round++) {
      const { idx } = (await addMessage(db, {
        accountId: 'a',
        username: 'alice',
        // Long ones have pages of their own.
        content: `mark-${round + 1}-${'x'.repeat(random(8) === 0 ? 12_000 : random(600))}`,
        clientId: `client-${round + 1}-`,
        time: 1
      }))!
      kept.add(idx)
      if (random(3) === 0) {
        const gone = [...kept][random(kept.size)]!
        assert.equal(await removeMessage(db, moderator, gone), 'removed')
        kept.delete(gone)
      }
    }
    assert.equal(await emptyLog(db), true)
    const bytes = ['', '-wal'].map((suffix) => readFileSync(path + suffix, 'latin1')).join('')
    for (let idx = 1; idx <= 400; idx++) assert.equal(bytes.includes(`mark-${idx}-`), kept.has(idx), `post ${idx}`)
  })

  it('is not disturbed by what a killed start left behind', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    writeFileSync(`${path}.${process.pid}.tmp`, 'half a database')
    writeFileSync(`${path}.${process.pid}.tmp-wal`, 'half a log')
    const db = openBoardDatabase(path)
    t.after(() => db.destroy())
    assert.deepEqual(await findPosition(db), { seq: 0, idx: 0 })
  })

  it('refuses a file that is not SQLite', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    writeFileSync(path, 'these are not the posts you are looking for\n'.repeat(100))
    refuses(path, /is not an intact SQLite database: restore a backup/)
  })

  it('refuses an empty file instead of beginning anew', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    writeFileSync(path, '')
    refuses(path, /is empty: restore a backup/)
  })

  it('refuses a file with damaged pages', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    await makeBoard(path)
    const bytes = readFileSync(path)
    bytes.fill(0x5a, 4096)
    writeFileSync(path, bytes)
    refuses(path, /damaged|not an intact SQLite database/)
  })

  it('refuses a file from a newer version', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    await makeBoard(path)
    const file = new Sqlite(path)
    file.pragma('user_version = 999')
    file.close()
    refuses(path, /comes from a newer version of the message board \(999; this one knows \d+\): start that version/)
  })

  it('refuses a database of another program', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    const file = new Sqlite(path)
    file.pragma('journal_mode = WAL')
    file.exec('create table account (id text)')
    file.close()
    refuses(path, /is a database of another program: move it away/)
  })

  it('refuses a file that another program has locked', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    await makeBoard(path)
    const other = new Sqlite(path)
    t.after(() => other.close())
    other.exec('begin exclusive')
    assert.throws(() => openBoardDatabase(path), /^StartError: .*is locked by another program/)
  })

  it('refuses a directory in place of the file', async (t) => {
    const path = await temporaryDirectory(t)
    assert.throws(() => openBoardDatabase(path), /^StartError: .*cannot be opened for writing/)
  })
})
