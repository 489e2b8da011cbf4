// Makes every `dist`: the packages with tsc, the pages of the message board and of plus-one with Vite.
import { buildDemo } from '../build-demo.ts'
import { buildPackages } from '../build-packages.ts'
import { buildPlusOne } from '../build-plus-one.ts'

for await (const { name, code, output } of buildPackages()) report(name, code, output)
const demo = await buildDemo({ force: true })
report('messageboard', demo.code, demo.output)
const plusOne = await buildPlusOne({ force: true })
report('plus-one', plusOne.code, plusOne.output)

function report(name: string, code: number, output: string): void {
  console.log(`${code === 0 ? '✔' : '✖'} ${name}`)
  if (code === 0) return
  console.error(output.trim())
  process.exitCode = 1
}
