import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect, type Generated } from 'kysely'
import { StartError } from '../start-error.ts'

/** The tables of the board. */
interface BoardTables {
  message: {
    /** Never used again, and ascending in the order of posting. */
    idx: Generated<number>
    /** Seconds since 1970. */
    time: number
    /** The author's name as it was when posting. */
    username: string
    content: string
    /** Null: posted before the board kept it. Names can pass from one account to another, so such a post is nobody's own. */
    account_id: string | null
    /** What the author's program calls the post, so that one that it sends again is known, also when it was deleted meanwhile. */
    client_id: string | null
    /**
     * 1: the post was deleted; `username` and `content` are empty. The row stays, because SQLite would move the posts beside it to fill the
     * room, and where a post was moved from, its text can be left behind: deleted later, it would still be in the file.
     */
    deleted: Generated<0 | 1>
  }
  /** What has happened, in the order of the commits; triggers write it. The newest ones only. */
  change: {
    seq: Generated<number>
    idx: number
    deleted: 0 | 1
  }
  /** Accounts that were deleted a short while ago: what they had on the way is not stored any more. */
  departed: {
    account_id: string
    /** Seconds since 1970. */
    at: number
  }
  /** The processes that serve the board, and the accounts whose sockets they have. */
  process: {
    id: string
    /** Seconds since 1970. */
    seen_at: number
  }
  reader: {
    process_id: string
    account_id: string
  }
  /**
   * The last times that the file was opened, and its newest change then. Where a backup was put in its place, the numbers of the changes
   * that were lost come again; readers tell by the mark which ones they mean.
   */
  opened: {
    id: Generated<number>
    mark: string
    seq: number
  }
}

export type BoardDatabase = Kysely<BoardTables>

/** How many changes are remembered for readers who come back. */
const keptChanges = 10_000

/** How many times of opening the file are remembered. */
const keptOpenings = 1000

/** One step each; `user_version` of the file counts the steps it has seen. */
const migrations = [
  `create table message (
     idx integer primary key autoincrement,
     time integer not null,
     username text not null,
     content text not null
   ) strict`,
  `alter table message add column account_id text;
   alter table message add column client_id text;
   alter table message add column deleted integer not null default 0 check (deleted in (0, 1));
   create unique index message_sent on message (account_id, client_id);
   create index message_there on message (idx) where deleted = 0;
   create table change (
     seq integer primary key autoincrement,
     idx integer not null,
     deleted integer not null check (deleted in (0, 1))
   ) strict;
   create trigger message_posted after insert on message begin
     insert into change (idx, deleted) values (new.idx, 0);
   end;
   create trigger message_deleted after update of deleted on message when new.deleted > old.deleted begin
     insert into change (idx, deleted) values (new.idx, 1);
   end;
   create trigger message_removed after delete on message when old.deleted = 0 begin
     insert into change (idx, deleted) values (old.idx, 1);
   end;
   create trigger change_bounded after insert on change begin
     delete from change where seq <= new.seq - ${keptChanges};
   end;
   create table departed (account_id text primary key, at integer not null) strict, without rowid;
   create table process (id text primary key, seen_at integer not null) strict, without rowid;
   create table reader (
     process_id text not null references process (id) on delete cascade,
     account_id text not null,
     primary key (process_id, account_id)
   ) strict, without rowid`,
  `create table opened (
     id integer primary key autoincrement,
     mark text not null unique,
     seq integer not null
   ) strict;
   create trigger opened_bounded after insert on opened begin
     delete from opened where id <= new.id - ${keptOpenings};
   end`
]

/** Says whose file it is, in the place which SQLite has for that ("gsMB"). */
const applicationId = 0x67734d42

function open(path: string): Sqlite.Database {
  // A writer in another process is waited for this many ms at most, because the event loop waits too.
  const file = new Sqlite(path, { timeout: 100 })
  try {
    file.pragma('journal_mode = WAL')
    // In WAL mode SQLite's default may lose the last commits in a power cut, and they have been answered.
    file.pragma('synchronous = FULL')
    // What is deleted is overwritten.
    file.pragma('secure_delete = ON')
    file.pragma('foreign_keys = ON')
    return file
  } catch (error) {
    file.close()
    throw error
  }
}

function migrate(file: Sqlite.Database, path: string): void {
  file
    .transaction(() => {
      const version = file.pragma('user_version', { simple: true }) as number
      const owner = file.pragma('application_id', { simple: true })
      if (owner !== applicationId && !(owner === 0 && version === 0 && file.prepare('select 1 from sqlite_schema').get() === undefined)) {
        throw new StartError(`${path} is a database of another program: move it away, or choose another directory with GS_DATA_DIR.`)
      }
      if (version > migrations.length) {
        throw new StartError(
          `${path} comes from a newer version of the message board (${version}; this one knows ${migrations.length}): start that version, or restore an older backup.`
        )
      }
      for (const step of migrations.slice(version)) file.exec(step)
      file.pragma(`application_id = ${applicationId}`)
      file.pragma(`user_version = ${migrations.length}`)
      file.exec('insert into opened (mark, seq) select lower(hex(randomblob(8))), coalesce(max(seq), 0) from change')
    })
    .immediate()
}

/** Made under another name, so that under its own name the file is never half a database. */
function create(path: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  const remove = () => ['', '-wal', '-shm', '-journal'].forEach((suffix) => rmSync(temporary + suffix, { force: true }))
  try {
    remove()
    const file = open(temporary)
    try {
      migrate(file, path)
    } finally {
      file.close()
    }
    renameSync(temporary, path)
  } finally {
    remove()
  }
}

/**
 * Opens the board's own SQLite file, and makes or migrates it when needed.
 *
 * @throws {StartError} not writable, not SQLite, damaged, of another program, or from a newer version
 */
export function openBoardDatabase(path: string): BoardDatabase {
  let file: Sqlite.Database | undefined
  try {
    if (!existsSync(path)) create(path)
    // SQLite would take an empty file for a new database, and nobody would notice that the posts are gone.
    if (statSync(path).size === 0)
      throw new StartError(`${path} is empty: restore a backup, or remove the file to begin with an empty board.`)
    file = open(path)
    if (file.pragma('quick_check(1)', { simple: true }) !== 'ok') {
      throw new StartError(`${path} is damaged: restore a backup, or move the file away to begin with an empty board.`)
    }
    migrate(file, path)
  } catch (error) {
    file?.close()
    if (error instanceof StartError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
      throw new StartError(
        `${path} is not an intact SQLite database: restore a backup, or move the file away to begin with an empty board.`,
        {
          cause: error
        }
      )
    }
    if (code.startsWith('SQLITE_BUSY')) {
      throw new StartError(`${path} is locked by another program: stop that program, or choose another directory with GS_DATA_DIR.`, {
        cause: error
      })
    }
    throw new StartError(
      `${path} cannot be opened for writing (${code}): check the owner and mode of the file and its directory, and the space on the disk.`,
      {
        cause: error
      }
    )
  }
  return new Kysely<BoardTables>({ dialect: new SqliteDialect({ database: file }) })
}

/** Whether the database could not do its work just now (locked, disk full, input or output error), so that a later attempt makes sense. */
export function isDatabaseTrouble(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError
}
