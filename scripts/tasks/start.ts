// Serves the message board. The server takes the place of this process, so that it gets the signals itself.
import { buildDemo } from '../build-demo.ts'
import { handOver } from '../setup/hand-over.mjs'

const built = await buildDemo({ announce: true })
if (built.code === 0) {
  handOver(process.execPath, ['apps/messageboard/src/server.ts', ...process.argv.slice(2)], process.env)
} else {
  process.stderr.write(`${built.output.trim()}\nThe pages of the message board could not be built.\n`)
  process.exitCode = 1
}
