// Makes every `dist`: the packages with tsc, the pages of the message board with Vite.
import { buildDemo } from '../build-demo.ts'
import { buildPackages } from '../build-packages.ts'

for await (const { name, code, output } of buildPackages()) report(name, code, output)
const demo = await buildDemo({ force: true })
report('messageboard', demo.code, demo.output)

function report(name: string, code: number, output: string): void {
  console.log(`${code === 0 ? '✔' : '✖'} ${name}`)
  if (code === 0) return
  console.error(output.trim())
  process.exitCode = 1
}
