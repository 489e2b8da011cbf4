import css from '../css/admin.css?inline'
import { addLook } from './main-script.ts'

export * from '../react/admin/admin-panel.tsx'

addLook(css)
