import css from '../css/account.css?inline'
import { addLook } from './main-script.ts'

export * from '../react/account/account-panels.tsx'
export * from './live-session.ts'

addLook(css)
