// Formats the files that are named, or all.
import { handOver } from '../setup/hand-over.mjs'
import { binOf } from '../run-child.ts'

const files = process.argv.slice(2)
handOver(process.execPath, [binOf('oxfmt', 'bin/oxfmt'), ...(files.length > 0 ? files : ['.'])], process.env)
