import type { TestEvent } from 'node:test/reporters'

/** What has been counted so far; `complete` when node:test has come to its end. */
export interface Counts {
  passed: number
  failed: number
  skipped: number
  todo: number
  /** Test files that ran and held no test, which node:test takes for a passed test. */
  empty: string[]
  complete: boolean
}

/** A reporter for `node --test` that a program reads: after each test one line of JSON with the counts. */
export default async function* countReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0, todo: 0, empty: [], complete: false }
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file === undefined) counts.complete = true
    else if ((type === 'test:pass' || type === 'test:fail') && data.details.type !== 'suite') {
      if (data.todo !== undefined && data.todo !== false) counts.todo += 1
      else if (data.skip !== undefined && data.skip !== false) counts.skipped += 1
      else if (type === 'test:fail') counts.failed += 1
      else if (standsForItsFile(data)) counts.empty.push(data.name)
      else counts.passed += 1
    } else continue
    yield `${JSON.stringify(counts)}\n`
  }
}

/** A file is itself a test to node:test, and is reported as one when there is none in it. */
function standsForItsFile({ name, file, nesting }: { name: string; file?: string; nesting: number }): boolean {
  return nesting === 0 && file !== undefined && file.endsWith(name)
}
