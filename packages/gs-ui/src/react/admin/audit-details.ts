import type { admin } from '../../texts/admin.ts'
import type { Say } from '../use-text.tsx'
import { levelText } from './levels.ts'
import { listOf } from './list-of.ts'
import { mailName } from './mail-name.ts'

type AdminKey = keyof typeof admin

/** Says nothing that the name of the action does not say, or only an id. */
const silent = new Set(['verified', 'locked', 'session', 'mail'])

const isPair = (value: unknown): value is [unknown, unknown] => Array.isArray(value) && value.length === 2

function textOf(name: string, value: unknown, say: Say<AdminKey>): string {
  if (name === 'level' && typeof value === 'number') return levelText(value, say)
  if (name === 'kind' && typeof value === 'string') return mailName(value, say)
  if (name === 'group' && value === null) return say('admin.group.none')
  if (name === 'sectors' && Array.isArray(value)) return listOf(value.map(String), say) || say('admin.none.value')
  if (typeof value === 'boolean') return say(value ? 'admin.yes' : 'admin.no')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value)
}

const actions = [
  'add',
  'verify',
  'lock',
  'unlock',
  'grant',
  'add-group',
  'set-group',
  'delete-group',
  'delete',
  'set-password',
  'reset-password',
  'require-password-change',
  'end-session',
  'end-sessions',
  'retry-mail',
  'drop-mail',
  'import'
] as const

/** What was done; what a newer server knows, by its own name. */
export function actionName(action: string, say: Say<AdminKey>): string {
  const known = actions.find((name) => name === action)
  return known === undefined ? action : say(`admin.audit.${known}`)
}

/** What can stand in the details, besides what is silent. */
const names = ['level', 'name', 'group', 'sectors', 'sessions', 'mails', 'accounts', 'kind', 'mailed', 'source'] as const

/** What an entry of the history says besides who did what: names and values. */
export function auditDetails(details: Readonly<Record<string, unknown>>, say: Say<AdminKey>): (readonly [name: string, value: string])[] {
  return Object.entries(details)
    .filter(([name, value]) => !silent.has(name) && !(name === 'sessions' && value === 0))
    .map(([name, value]) => {
      const known = names.find((other) => other === name)
      const label = known === undefined ? name : say(`admin.audit.${known}`)
      if (!isPair(value)) return [label, textOf(name, value, say)]
      const [before, after] = value
      return [label, say('admin.audit.change', { before: textOf(name, before, say), after: textOf(name, after, say) })]
    })
}
