// `npm run gs -- <command>` runs the command line of packages/gs-cli, from the folder of the workspace.
import { buildWidget } from '../build-widget.ts'
import { handOver } from '../setup/hand-over.mjs'

const args = process.argv.slice(2)
// What a site serves besides its own files has to be there; the other commands need nothing that is built.
const built = args[0] === 'serve' ? await buildWidget({ announce: true }) : { code: 0, output: '' }
if (built.code === 0) {
  handOver(process.execPath, ['packages/gs-cli/src/main.ts', ...args], process.env)
} else {
  process.stderr.write(`${built.output.trim()}\nThe login widget could not be built.\n`)
  process.exitCode = 1
}
