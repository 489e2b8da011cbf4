import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ground, mayImport, top } from './import-direction.ts'
import { binOf, runChild } from './run-child.ts'
import { root } from './setup/root.mjs'

interface Cases {
  [file: string]: { allowed?: string[]; refused?: string[] }
}

const inServer: Cases = {
  'options.ts': { allowed: ['./errors.ts'], refused: ['./crypto/passwords.ts', './plugin.ts'] },
  'crypto/tokens.ts': { allowed: ['../errors.ts'], refused: ['../database/database.ts', '../accounts/accounts.ts'] },
  'database/sqlite.ts': { allowed: ['./database.ts', '../errors.ts'], refused: ['../crypto/tokens.ts', '../accounts/accounts.ts'] },
  'accounts/accounts.ts': { allowed: ['../database/database.ts'], refused: ['../sessions/sessions.ts', '../mail/outbox.ts'] },
  'mail/outbox.ts': { allowed: ['../crypto/tokens.ts'], refused: ['../accounts/accounts.ts', '../flows/login.ts'] },
  'sessions/sessions.ts': {
    allowed: ['../accounts/accounts.ts'],
    refused: ['../live/session-events.ts', '../mail/outbox.ts', '../flows/login.ts', '../plugin.ts']
  },
  'live/session-events.ts': { allowed: ['../sessions/sessions.ts'], refused: ['../flows/login.ts', '../mounts/mount.ts'] },
  'mounts/mount.ts': { allowed: ['../sessions/sessions.ts', '../live/bus.ts'], refused: ['../flows/login.ts', '../mail/outbox.ts'] },
  'flows/login.ts': {
    allowed: ['../sessions/sessions.ts', '../mail/outbox.ts', './shared/flow.ts'],
    refused: ['../mounts/mount.ts', './register.ts', './register/form.ts', '../index.ts', 'fastify-gs']
  },
  'flows/login.test.ts': { allowed: ['./register.ts', '../testing/build.ts', '../plugin.ts'], refused: ['fastify-gs', 'gs-ui'] },
  'flows/shared/flow.ts': { allowed: ['./scope.ts', '../../sessions/sessions.ts'], refused: ['../login.ts', '../../mounts/mount.ts'] },
  'admin/admin-routes.ts': {
    allowed: ['../flows/shared/flow.ts', '../mail/outbox.ts'],
    refused: ['../mounts/mount.ts', '../compat/pages.ts', '../plugin.ts']
  },
  'compat/lwsgs-endpoints.ts': { allowed: ['../flows/login.ts', '../mounts/mount.ts'], refused: ['../plugin.ts'] },
  'plugin.ts': {
    allowed: ['./flows/login.ts', './compat/lwsgs-endpoints.ts'],
    refused: ['./index.ts', './testing/build.ts', 'gs-ui', '../../gs-ui/src/index.ts']
  },
  'index.ts': { allowed: ['./plugin.ts'] }
}

const elsewhere: Cases = {
  'packages/fastify-gs-ws/src/plugin.ts': {
    allowed: ['./options.ts', 'fastify'],
    refused: ['fastify-gs', 'gs-ui', '../../fastify-gs/src/errors.ts']
  },
  'packages/gs-ui/src/client/gs-client.ts': { allowed: ['./store.ts'], refused: ['fastify-gs/api', 'fastify-gs', 'gs-cli'] },
  'packages/gs-ui/src/client/gs-client.test.ts': { allowed: ['fastify-gs/api'] },
  'packages/gs-cli/src/main.ts': { allowed: ['fastify-gs', 'fastify-gs/lwsws'], refused: ['../../fastify-gs/src/errors.ts'] },
  'apps/messageboard/src/app.ts': {
    allowed: ['fastify-gs', 'fastify-gs/api', './config.ts'],
    refused: ['fastify-gs/src/plugin.ts', '../../../packages/fastify-gs/src/plugin.ts']
  },
  'apps/messageboard/web/main.tsx': { allowed: ['gs-ui', 'gs-ui/gs-ui.css'], refused: ['gs-ui/src/react/form.tsx'] },
  'bench/logins.ts': { allowed: ['fastify-gs', 'fastify-gs/api'], refused: ['../packages/fastify-gs/src/errors.ts'] },
  'e2e/story.spec.ts': { allowed: ['fastify-gs/api'], refused: ['../packages/fastify-gs/src/errors.ts'] }
}

test('the linter refuses an import against the direction, and no other', async (t) => {
  const lint = linter(t, 'scripts/import-direction.ts', '{ overrides: module.importDirection }')
  const cases = [
    ...Object.entries(inServer).map(([file, each]) => [`packages/fastify-gs/src/${file}`, each] as const),
    ...Object.entries(elsewhere)
  ]
  const expected: string[] = []
  for (const [file, { allowed = [], refused = [] }] of cases) {
    lint.write(file, [...refused, ...allowed].map((specifier, index) => `export * as n${index} from '${specifier}'\n`).join(''))
    expected.push(...refused.map((_, index) => `${file}:${index + 1}`))
  }
  assert.deepEqual(await lint.run(), expected.sort())
})

test('the ground of fastify-gs and gs-ui may take types from above', async (t) => {
  const lint = linter(t, 'scripts/import-direction.ts', '{ overrides: module.importDirection }')
  lint.write('packages/fastify-gs/src/hooks.ts', "export type { Account } from './accounts/accounts.ts'\n")
  lint.write('packages/gs-ui/src/index.ts', "import type { SessionInfo } from 'fastify-gs/api'\nexport type Info = SessionInfo\n")
  assert.deepEqual(await lint.run(), [])
})

test('every file and folder of fastify-gs has its place in the direction', () => {
  const placed = new Set([...ground, ...Object.keys(mayImport), ...top])
  const present = readdirSync(join(root, 'packages/fastify-gs/src'))
    .filter((name) => !name.includes('.test'))
    .map((name) => name.replace(/\.ts$/, ''))
  assert.deepEqual(
    present.filter((name) => !placed.has(name)),
    [],
    'say in scripts/import-direction.ts what these may import'
  )
})

test('the linter of the workspace finds a promise that nobody waits for', async (t) => {
  const lint = linter(t, 'oxlint.config.ts', 'module.default')
  lint.write('tsconfig.json', '{ "compilerOptions": { "strict": true, "noEmit": true } }\n')
  lint.write('packages/x/src/save.ts', 'export async function save(): Promise<void> {}\nexport function quit(): void {\n  save()\n}\n')
  assert.deepEqual(await lint.run(), ['packages/x/src/save.ts:3'])
})

/** A folder of its own, linted with a configuration made from a module of the workspace. */
function linter(t: TestContext, from: string, configuration: string) {
  const folder = mkdtempSync(join(tmpdir(), 'import-direction-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  write('oxlint.config.ts', `import * as module from '${pathToFileURL(join(root, from)).href}'\nexport default ${configuration}\n`)
  return {
    write,
    /** @returns the places with a finding, as file:line */
    async run(): Promise<string[]> {
      const env = { OXLINT_TSGOLINT_PATH: binOf('oxlint-tsgolint', 'bin/tsgolint.js') }
      const { output } = await runChild([binOf('oxlint', 'bin/oxlint'), '-f', 'unix', 'packages', 'apps', 'bench', 'e2e'], {
        cwd: folder,
        env
      })
      return [...output.matchAll(/^(\S+:\d+):\d+: /gm)].map(([, place = '']) => place).sort()
    }
  }
}
