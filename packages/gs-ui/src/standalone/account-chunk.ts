import css from '../css/account.css?inline'
import { addStyle } from './main-script.ts'

export * from '../client/live-session.ts'
export * from '../react/account/account-panels.tsx'

addStyle(css)
