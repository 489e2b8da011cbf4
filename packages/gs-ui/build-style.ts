// Makes dist/gs-ui.css of its parts, so that a page without a bundler loads one file; and dist/base.css, what unstyled pages need.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const src = join(import.meta.dirname, 'src')
const dist = join(import.meta.dirname, 'dist')
const whole = readFileSync(join(src, 'gs-ui.css'), 'utf8').replace(/^@import '(.+)';$/gm, (_rule, part: string) =>
  readFileSync(join(src, part), 'utf8')
)
mkdirSync(dist, { recursive: true })
writeFileSync(join(dist, 'gs-ui.css'), whole)
copyFileSync(join(src, 'css/base.css'), join(dist, 'base.css'))
// TypeScript refuses an import that has no types, unless the bundler of the app brings some for all style sheets.
for (const name of ['gs-ui', 'base']) writeFileSync(join(dist, `${name}.css.d.ts`), 'export {}\n')
