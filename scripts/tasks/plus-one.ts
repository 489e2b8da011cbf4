// Serves the example of fastify-gs-ws. The server takes the place of this process, so that it gets the signals itself.
import { buildPlusOne } from '../build-plus-one.ts'
import { handOver } from '../setup/hand-over.mjs'

const built = await buildPlusOne({ announce: true })
if (built.code === 0) {
  handOver(process.execPath, ['apps/plus-one/src/server.ts'], process.env)
} else {
  process.stderr.write(`${built.output.trim()}\nThe page of plus-one could not be built.\n`)
  process.exitCode = 1
}
