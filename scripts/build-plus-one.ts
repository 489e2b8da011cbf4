import { buildIfStale, type BuildOptions } from './build-if-stale.ts'
import type { ChildResult } from './run-child.ts'

/** Builds the page of the example of fastify-gs-ws with Vite, unless what it was built from has not changed. */
export function buildPlusOne(options: BuildOptions = {}): Promise<ChildResult> {
  return buildIfStale(
    {
      what: 'the page of plus-one',
      args: ['--run', 'build'],
      cwd: 'apps/plus-one',
      output: 'apps/plus-one/dist/index.html',
      inputs: [
        'apps/plus-one/web/**/*',
        'apps/plus-one/package.json',
        'packages/fastify-gs-ws/src/client/**/*',
        'packages/fastify-gs-ws/src/{link,protocol}.ts',
        'packages/fastify-gs-ws/package.json',
        'pnpm-lock.yaml'
      ],
      stamp: 'apps/plus-one/node_modules/.built-from'
    },
    options
  )
}
