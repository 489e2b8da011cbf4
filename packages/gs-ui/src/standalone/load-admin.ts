import { loadPart } from './load-part.ts'

/** Stands in for react/lazy/load-admin.ts. */
export const loadAdmin = () => loadPart<typeof import('../react/admin/admin-panel.tsx')>('admin')
