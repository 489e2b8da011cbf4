import { buildDemo } from '../build-demo.ts'
import { buildPackages } from '../build-packages.ts'
import { buildPlusOne } from '../build-plus-one.ts'
import { checked, type Step } from './step.ts'

export const build: Step = {
  name: 'build',
  title: 'build (tsc, Vite)',
  async run(progress) {
    let output = ''
    for await (const built of buildPackages()) {
      progress(built.name)
      if (built.code !== 0) output += `${built.name}\n${built.output}\n`
    }
    progress('messageboard')
    const demo = await buildDemo()
    if (demo.code !== 0) output += `messageboard\n${demo.output}\n`
    progress('plus-one')
    const plusOne = await buildPlusOne()
    if (plusOne.code !== 0) output += `plus-one\n${plusOne.output}\n`
    return checked(output === '', output)
  }
}
