import css from '../css/admin.css?inline'
import { addStyle } from './main-script.ts'

export * from '../react/admin/admin-panel.tsx'

addStyle(css)
