import { buildIfStale, type BuildOptions } from './build-if-stale.ts'
import type { ChildResult } from './run-child.ts'

/** Builds the browser part of the message board with Vite, unless what it was built from has not changed. */
export function buildDemo(options: BuildOptions = {}): Promise<ChildResult> {
  return buildIfStale(
    {
      what: 'the pages of the message board',
      args: ['--run', 'build'],
      cwd: 'apps/messageboard',
      output: 'apps/messageboard/dist/index.html',
      // Everything that ends in the browser. The lockfile stands for the libraries.
      inputs: [
        'apps/messageboard/web/**/*',
        'apps/messageboard/package.json',
        'packages/gs-ui/src/**/*',
        'packages/gs-ui/package.json',
        'packages/fastify-gs/src/api.ts',
        'packages/fastify-gs/src/errors.ts',
        'pnpm-lock.yaml'
      ],
      stamp: 'apps/messageboard/node_modules/.built-from'
    },
    options
  )
}
