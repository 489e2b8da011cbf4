// Makes dist/lwsgs.js, the widget for pages without a build, and the parts that it loads on demand (lwsgs-account.js, lwsgs-de.js …);
// and dist/gs-jwt.js, for pages without a build that are made for the bearer of a token.
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Alias } from 'vite'

const src = join(import.meta.dirname, 'src')
const standalone = join(src, 'standalone')

/** Bytes at most, gzipped. Of lwsgs.js with its style sheet: what everybody loads who sees a login. */
const limits: Readonly<Record<string, number>> = { 'lwsgs.js': 16_384, 'gs-jwt.js': 4096 }

const languages = ['de', 'es', 'fr', 'ja', 'ar']
const parts: Readonly<Record<string, string>> = {
  guest: join(src, 'react/guest/guest-panels.tsx'),
  account: join(standalone, 'account-chunk.ts'),
  admin: join(standalone, 'admin-chunk.ts'),
  strength: join(standalone, 'strength-chunk.ts'),
  ...Object.fromEntries(languages.map((language) => [language, join(src, `texts/${language}.ts`)]))
}

/** Preact stands in for React: it is a tenth of the size. */
const preact: Alias[] = [
  { find: 'react/jsx-runtime', replacement: join(standalone, 'jsx-runtime.ts') },
  { find: /^react$/, replacement: join(standalone, 'react.ts') }
]

const loaders: Alias[] = [
  'load-guest',
  'load-account',
  'load-admin',
  'load-strength',
  'load-texts',
  'load-live',
  'create-default-client',
  'no-session',
  'use-time-zone'
].map((name) => ({
  find: new RegExp(String.raw`^(\.\.?/)+lazy/${name}\.ts$`),
  replacement: join(standalone, `${name}.ts`)
}))

/** The parts take React and the toolkit from the main script. */
const fromMain: Alias[] = [
  { find: 'react/jsx-runtime', replacement: join(standalone, 'chunk-jsx-runtime.ts') },
  { find: /^react$/, replacement: join(standalone, 'chunk-react.ts') },
  { find: /^(\.\.?\/)+toolkit\.ts$/, replacement: join(standalone, 'chunk-toolkit.ts') },
  { find: './load-part.ts', replacement: join(standalone, 'chunk-load-part.ts') }
]

const shortReplies: Alias = { find: './api-errors.ts', replacement: join(standalone, 'short-replies.ts') }

function version(): string {
  const hash = createHash('sha256')
  for (const file of globSync('src/**/*.{ts,tsx,css}', { cwd: import.meta.dirname }).sort())
    hash.update(file).update(readFileSync(join(import.meta.dirname, file)))
  return hash.digest('hex').slice(0, 12)
}

async function make(entry: string, fileName: string, format: 'iife' | 'es', alias: Alias[]): Promise<void> {
  await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    resolve: { alias },
    define: { 'process.env.NODE_ENV': '"production"', gsUiVersion: JSON.stringify(version()) },
    build: {
      outDir: 'dist',
      // tsc puts the modules there.
      emptyOutDir: false,
      target: 'es2022',
      // light-dark() as it stands: what stands in for it in older browsers is longer than the whole dark theme.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      minify: 'terser',
      terserOptions: {
        ecma: 2020,
        compress: { passes: 3, unsafe_arrows: true, lhs_constants: false, pure_getters: true },
        format: { comments: false, preserve_annotations: false }
      },
      rolldownOptions: {
        output: { esModule: false, generatedCode: { symbols: false } },
        // "use client" is for servers that render React; here all is client.
        onwarn: (warning, warn) => {
          if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning)
        }
      },
      lib: { entry, formats: [format], name: 'lwsgs', fileName: () => fileName }
    }
  })
}

await make(join(standalone, 'lwsgs.tsx'), 'lwsgs.js', 'iife', [...loaders, ...preact])
await make(join(standalone, 'gs-jwt.ts'), 'gs-jwt.js', 'iife', [shortReplies])
for (const [name, entry] of Object.entries(parts)) await make(entry, `lwsgs-${name}.js`, 'es', [...loaders, ...fromMain])

const sizeOf = (file: string) => gzipSync(readFileSync(join(import.meta.dirname, 'dist', file)), { level: 9 }).length
for (const file of [...Object.keys(limits), ...Object.keys(parts).map((name) => `lwsgs-${name}.js`)])
  process.stdout.write(`${file}: ${sizeOf(file)} bytes gzipped\n`)
for (const [file, limit] of Object.entries(limits)) {
  if (sizeOf(file) <= limit) continue
  process.stderr.write(`${file} may have ${limit} bytes gzipped; it has ${sizeOf(file)}.\n`)
  process.exitCode = 1
}
