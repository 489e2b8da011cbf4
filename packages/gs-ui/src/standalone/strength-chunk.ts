import css from '../css/strength.css?inline'
import { addLook } from './main-script.ts'

export * from '../react/strength/strength-meter.tsx'

addLook(css)
