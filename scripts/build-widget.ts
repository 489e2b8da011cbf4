import { buildIfStale, type BuildOptions } from './build-if-stale.ts'
import type { ChildResult } from './run-child.ts'

/** Builds `lwsgs.js`, the widget for pages without a build of their own, unless what it was built from has not changed. */
export function buildWidget(options: BuildOptions = {}): Promise<ChildResult> {
  return buildIfStale(
    {
      what: 'the login widget (lwsgs.js)',
      args: ['build-standalone.ts'],
      cwd: 'packages/gs-ui',
      output: 'packages/gs-ui/dist/lwsgs.js',
      inputs: [
        'packages/gs-ui/src/**/*',
        'packages/gs-ui/package.json',
        'packages/gs-ui/build-standalone.ts',
        'packages/fastify-gs/src/api.ts',
        'packages/fastify-gs/src/errors.ts',
        'pnpm-lock.yaml'
      ],
      stamp: 'packages/gs-ui/node_modules/.lwsgs-built-from'
    },
    options
  )
}
