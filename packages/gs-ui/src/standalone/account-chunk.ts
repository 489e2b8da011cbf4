import css from '../css/account.css?inline'
import { addLook } from './main-script.ts'

export * from '../client/live-session.ts'
export * from '../react/account/account-panels.tsx'

addLook(css)
