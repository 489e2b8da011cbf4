import Sqlite from 'better-sqlite3'

/** A counter that survives restarts. */
export function openSharedCounter(path: string) {
  const db = new Sqlite(path)
  db.pragma('journal_mode = WAL')
  db.exec(`
    create table if not exists shared_counter (id integer primary key check (id = 1), value integer not null) strict;
    insert or ignore into shared_counter values (1, 0)
  `)
  const value = db.prepare<[], number>('select value from shared_counter').pluck()
  const add = db.prepare<[], number>('update shared_counter set value = value + 1 returning value').pluck()
  return { value: () => value.get()!, add: () => add.get()!, close: () => db.close() }
}
