import type { OxlintOverride } from 'oxlint'

// Who may import whom, for the linter (oxlint.config.ts). A folder of fastify-gs may import what the table names, and itself: the order is
// that in which a request meets them. Tests may import anything inside their package.

/** The files of packages/fastify-gs/src on which everything stands. */
export const ground = ['errors', 'options', 'api', 'app-types', 'hooks', 'html', 'page', 'forms-page']

/** The folders of packages/fastify-gs/src, and what they may import besides themselves. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  crypto: ['errors', 'options'],
  database: ['errors', 'options'],
  texts: ['errors', 'options'],
  mail: ['errors', 'options', 'hooks', 'html', 'texts', 'crypto', 'database'],
  accounts: [...ground, 'crypto', 'database'],
  sessions: [...ground, 'texts', 'crypto', 'database', 'accounts'],
  live: [...ground, 'crypto', 'database', 'accounts', 'sessions'],
  flows: [...ground, 'texts', 'crypto', 'database', 'mail', 'accounts', 'sessions', 'live'],
  mounts: [...ground, 'crypto', 'database', 'accounts', 'sessions', 'live'],
  admin: [...ground, 'crypto', 'database', 'mail', 'accounts', 'sessions', 'live', 'flows'],
  compat: [...ground, 'texts', 'crypto', 'database', 'mail', 'accounts', 'sessions', 'live', 'flows', 'mounts', 'admin']
}

/** The files of packages/fastify-gs/src that stand above all folders and are imported by none. */
export const top = ['plugin', 'index', 'hash-password', 'open-session', 'testing']

const folders = Object.keys(mayImport)
const names = [...ground, ...folders, ...top]
const src = 'packages/fastify-gs/src'
const tests = ['**/*.test.ts', '**/*.test-d.ts', '**/testing/**']
const packages = ['fastify-gs', 'gs-ui', 'gs-cli', 'fastify-gs-jwt', 'fastify-gs-ws', 'tls-session-cache']

interface Pattern {
  regex?: string
  group?: string[]
  allowTypeImports?: boolean
  message: string
}

const intoSource: Pattern = { regex: String.raw`^(\.\./)+[^./][^/]*/src/`, message: 'Packages meet by their public exports only.' }
const insideServer: Pattern[] = [
  intoSource,
  { regex: oneOf(['fastify-gs']), message: 'Inside fastify-gs import the file itself.' },
  {
    regex: oneOf(packages.filter((name) => name !== 'fastify-gs' && name !== 'tls-session-cache')),
    message: 'fastify-gs knows no other package of ours but tls-session-cache.'
  }
]

export const importDirection: OxlintOverride[] = [
  restrict(['packages/fastify-gs/**'], insideServer),
  restrict(
    ground.map((name) => `${src}/${name}.ts`),
    [
      ...insideServer,
      {
        regex: String.raw`^\./(${[...folders, ...top].join('|')})(/|\.ts$)`,
        allowTypeImports: true,
        message: 'What everything stands on imports nothing of what stands on it, types excepted.'
      }
    ]
  ),
  ...folders.map((folder) => restrict([`${src}/${folder}/**`], [...insideServer, ...rulesOf(folder)], tests)),
  restrict(
    [`${src}/flows/*.ts`],
    [
      ...insideServer,
      ...rulesOf('flows'),
      { group: ['./**', '!./shared/**'], message: 'Flows do not import one another: what two of them need stands in flows/shared.' }
    ],
    tests
  ),
  restrict(
    [`${src}/flows/shared/**`],
    [...insideServer, ...rulesOf('flows'), { regex: String.raw`^\.\./[^.]`, message: 'What flows share does not know the flows.' }],
    tests
  ),
  restrict(
    [`${src}/plugin.ts`],
    [
      ...insideServer,
      {
        regex: String.raw`^\./(index\.ts$|testing/)`,
        message: 'index lists what plugin makes, and testing tests it: not the other way round.'
      }
    ]
  ),
  restrict(
    ['packages/{fastify-gs-jwt,tls-session-cache}/**'],
    [intoSource, { regex: oneOf(packages), message: 'This package stands alone: it imports nothing of ours.' }],
    tests
  ),
  restrict(
    ['packages/fastify-gs-ws/**'],
    [
      intoSource,
      {
        regex: oneOf(packages.filter((name) => name !== 'tls-session-cache' && name !== 'fastify-gs-ws')),
        message: 'fastify-gs-ws knows no other package of ours but tls-session-cache.'
      }
    ],
    tests
  ),
  restrict(
    ['packages/gs-ui/**'],
    [
      intoSource,
      {
        regex: '^fastify-gs/api$',
        allowTypeImports: true,
        message: 'gs-ui takes only types from fastify-gs/api: no server code goes to a browser.'
      },
      {
        group: ['fastify-gs', 'fastify-gs/**', '!fastify-gs/api'],
        message: 'gs-ui knows the types of fastify-gs/api and nothing else of the server.'
      },
      { regex: oneOf(packages.filter((name) => name !== 'fastify-gs')), message: 'gs-ui knows no other package of ours.' }
    ],
    tests
  ),
  restrict(
    ['{apps,bench,e2e}/**', 'packages/gs-cli/**'],
    [
      intoSource,
      { regex: String.raw`^(\.\./)+packages/`, message: 'Packages are imported by their names.' },
      {
        group: [
          'fastify-gs/**',
          '!fastify-gs/api',
          '!fastify-gs/admin',
          '!fastify-gs/lwsws',
          '!fastify-gs/testing',
          '!fastify-gs/testing/postgres',
          '!fastify-gs/worker',
          'gs-ui/**',
          '!gs-ui/gs-ui.css',
          '!gs-ui/texts/**'
        ],
        message:
          'Only public exports: fastify-gs, fastify-gs/api, fastify-gs/admin, fastify-gs/lwsws, fastify-gs/worker, gs-ui, gs-ui/texts.'
      }
    ]
  )
]

/** The linter takes the last override that fits a file, whole: each one has to say everything. */
function restrict(files: string[], patterns: Pattern[], excludeFiles: string[] = []): OxlintOverride {
  return { files, excludeFiles, rules: { 'no-restricted-imports': ['error', { patterns }] } }
}

function rulesOf(folder: string): Pattern[] {
  const allowed = mayImport[folder] ?? []
  const forbidden = names.filter((name) => name !== folder && !allowed.includes(name))
  return [
    {
      regex: String.raw`^(\.\./)+(${forbidden.join('|')})(/|\.ts$)`,
      message: `Of what is in fastify-gs, ${folder} knows only ${allowed.join(', ')} (scripts/import-direction.ts).`
    }
  ]
}

function oneOf(packageNames: readonly string[]): string {
  return `^(${packageNames.join('|')})(/|$)`
}
