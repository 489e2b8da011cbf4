import type { Command } from 'commander'
import type { AccountRecord, Administration } from 'fastify-gs/admin'
import { askNewPassword, confirmOrStop } from '../ask.ts'
import { usageError } from '../cli-error.ts'
import { onDatabase, withAdministration, type DatabaseSettings, type Place } from '../database.ts'
import { findAccount } from '../find-account.ts'
import { findGroup } from '../find-group.ts'
import { formatTime, note, printFields, printJson, printLine, printTable } from '../output.ts'
import { collectPages, oneOf, wholeNumber, withPaging, type Paging } from '../paging.ts'
import { levelName, parseLevel, parseSectors, sectorNames } from '../rights.ts'

interface Common extends DatabaseSettings {
  readonly json?: boolean
}

interface PasswordSettings extends Common {
  readonly minLength?: number
  readonly mustChange?: boolean
}

const states = ['verified', 'unverified', 'locked', 'must-change-password'] as const

const nameMeaning = 'user name, e-mail address or id'
const recordJson = 'print the account; times are ms since 1970'
const minLengthFlags = ['--min-length <n>', 'shortest password in characters (default: what the configuration says, else 15)'] as const
const mustChangeFlags = ['--must-change', 'the person has to choose another one at the next login, before anything else'] as const

export function register(program: Command): void {
  const user = program
    .command('user')
    .summary('accounts: list, show, add, verify, lock, unlock, delete, grant, password, require-password-change, waive-password-change')
    .description('Accounts. The admin of a configuration can be looked at here, and changed only there.')
  registerList(user)
  registerShow(user)
  registerAdd(user)
  registerChange(user, 'verify', 'Vouches for the e-mail address of an account, as if the link in the mail had been followed.', {
    change: ({ accounts }, { id }) => accounts.verify(id),
    done: 'is verified'
  })
  registerChange(user, 'lock', 'Ends the sessions of an account and lets nobody log in until it is unlocked.', {
    change: ({ accounts }, { id }) => accounts.lock(id),
    done: 'is locked; its sessions have ended'
  })
  registerChange(
    user,
    'unlock',
    'Lets the person log in again, and forgets wrong passwords: one that too many had switched off is on again.',
    {
      change: ({ accounts }, { id }) => accounts.unlock(id),
      done: 'is open; wrong passwords are forgotten'
    }
  )
  registerDelete(user)
  registerGrant(user)
  registerPassword(user)
  registerChange(
    user,
    'require-password-change',
    'Has the person choose another password: from the next request on, on all devices that are logged in, nothing else is open to the account.',
    {
      change: ({ accounts }, { id }) => accounts.requirePasswordChange(id),
      done: 'has to choose a new password'
    }
  )
  registerChange(user, 'waive-password-change', 'Takes that back: the account is open as before, with the password that it has.', {
    change: ({ accounts }, { id }) => accounts.requirePasswordChange(id, false),
    done: 'need not choose a new password'
  })
}

function registerList(user: Command): void {
  withPaging(onDatabase(user.command('list')))
    .description('Lists accounts in the order of their names.')
    .option('--search <text>', 'a part of the user name or of the address')
    .addOption(oneOf('--state <state>', 'only accounts in this state', states))
    .option('--json', 'print { "accounts": […], "next": … }; times are ms since 1970')
    .addHelpText('after', '\nExample:\n  gs user list --state locked --database ./gs.sqlite3')
    .action(async (settings: Common & Paging & { search?: string; state?: (typeof states)[number] }) => {
      const { search, state } = settings
      const query = { ...(search !== undefined && { search }), ...(state !== undefined && { state }) }
      const { rows, next } = await withAdministration(settings, ({ accounts }) =>
        collectPages(settings, async (page) => {
          const found = await accounts.list({ ...query, ...page })
          return { rows: found.accounts, next: found.next }
        })
      )
      if (settings.json) return printJson({ accounts: rows, next })
      if (rows.length === 0) return note('No accounts.')
      printTable(rows, [
        { title: 'USER', value: ({ username }) => username },
        { title: 'E-MAIL', value: ({ email }) => email ?? '' },
        { title: 'STATE', value: stateOf },
        { title: 'LEVEL', value: ({ effectiveLevel }) => levelName(effectiveLevel) },
        { title: 'LOGINS', value: ({ visits }) => String(visits) },
        { title: 'LAST LOGIN', value: ({ lastLoginAt }) => (lastLoginAt === null ? '' : formatTime(lastLoginAt)) },
        { title: 'CREATED', value: ({ createdAt }) => formatTime(createdAt) },
        { title: 'ID', value: ({ id }) => id }
      ])
      if (next !== null) note(`There are more: --after ${next}, or --all.`)
    })
}

function registerShow(user: Command): void {
  onDatabase(user.command('show'))
    .description('Shows an account.')
    .argument('<name>', nameMeaning)
    .option('--json', recordJson)
    .addHelpText('after', '\nExample:\n  gs user show ann@example.com --database ./gs.sqlite3')
    .action(async (name: string, settings: Common) => {
      await withAdministration(settings, async (administration, { sectors }) => {
        const account = await findAccount(administration, name)
        const failures = await administration.accounts.failures(account.id)
        if (settings.json) return printJson({ ...account, failures })
        printFields([
          ['User name', account.username],
          ['E-mail', account.email ?? 'none'],
          ['State', stateOf(account) + (account.lockedAt === null ? '' : ` since ${formatTime(account.lockedAt)}`)],
          ['Level', levelOf(account)],
          ['Sectors', sectorNames(account.sectors, sectors).join(', ') || 'none'],
          ['Password', account.configured ? 'in the configuration' : (account.passwordScheme ?? 'none')],
          ['Wrong passwords', failures === null ? 'none' : `${failures.count}, the last ${formatTime(failures.lastAt)}`],
          ['Language', account.language ?? 'not chosen'],
          ['Logins', account.lastLoginAt === null ? 'none' : `${account.visits}, the last ${formatTime(account.lastLoginAt)}`],
          ['Created', formatTime(account.createdAt)],
          ['Id', account.id]
        ])
      })
    })
}

function registerAdd(user: Command): void {
  onDatabase(user.command('add'))
    .description(
      'Adds an account. On a terminal the password is asked twice and not shown; otherwise it is one line on stdin. The address counts as verified: you vouch for it.'
    )
    .argument('<username>', 'the new user name')
    .requiredOption('--email <address>', 'the e-mail address')
    .option('--unverified', 'the address must still be proved; nobody mails a link by this, the person asks for one on the site')
    .option('--no-password', 'none yet: the person sets one with "Forgot password"')
    .option(...minLengthFlags, wholeNumber(8, 64))
    .option(...mustChangeFlags)
    .option('--json', recordJson)
    .addHelpText('after', '\nExample:\n  gs user add ann --email ann@example.com --database ./gs.sqlite3')
    .action(async (username: string, settings: PasswordSettings & { email: string; unverified?: boolean; password: boolean }) => {
      await withAdministration(settings, async ({ accounts }, place) => {
        const account = await accounts.add({
          username,
          email: settings.email,
          password: settings.password ? await askNewPassword() : null,
          verified: settings.unverified !== true,
          mustChangePassword: settings.mustChange === true,
          ...minLengthOf(settings, place)
        })
        tell(settings, account, 'was added')
      })
    })
}

interface Change {
  readonly change: (administration: Administration, account: AccountRecord) => Promise<AccountRecord>
  /** The end of the sentence that begins with the user name. */
  readonly done: string
}

function registerChange(user: Command, name: string, description: string, { change, done }: Change): void {
  onDatabase(user.command(name))
    .description(description)
    .argument('<name>', nameMeaning)
    .option('--json', recordJson)
    .addHelpText('after', `\nExample:\n  gs user ${name} ann --database ./gs.sqlite3`)
    .action(async (name: string, settings: Common) => {
      await withAdministration(settings, async (administration) => {
        tell(settings, await change(administration, await findAccount(administration, name)), done)
      })
    })
}

function registerDelete(user: Command): void {
  onDatabase(user.command('delete'))
    .description('Deletes an account with its sessions, links and waiting mails.')
    .argument('<name>', nameMeaning)
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print the account that was deleted')
    .addHelpText('after', '\nExample:\n  gs user delete ann --yes --database ./gs.sqlite3')
    .action(async (name: string, settings: Common & { yes?: boolean }) => {
      await withAdministration(settings, async (administration) => {
        const account = await findAccount(administration, name)
        await confirmOrStop(`Delete the account ${account.username} (${account.email ?? 'no address'})?`, settings.yes)
        await administration.accounts.delete(account.id)
        tell(settings, account, 'was deleted')
      })
    })
}

function registerGrant(user: Command): void {
  onDatabase(user.command('grant'))
    .description(
      'Changes what an account may do; its sessions have the new rights at their next request. Sectors are the bits 4 to 31 of the mask, by number, or by name with --config.'
    )
    .argument('<name>', nameMeaning)
    .option('--level <level>', 'logged-in, user, customer, staff, moderator, admin, root, or a number from 2 to 100')
    .option('--group <name>', 'put it into this group, whose level counts before its own')
    .option('--no-group', 'take it out of its group')
    .option('--add <sectors...>', 'sectors to give')
    .option('--remove <sectors...>', 'sectors to take')
    .option('--json', recordJson)
    .addHelpText(
      'after',
      '\nExamples:\n  gs user grant ann --level staff --database ./gs.sqlite3\n  gs user grant ann --add editor --remove press --config /etc/lwsws'
    )
    .action(async (name: string, settings: Common & { level?: string; group?: string | boolean; add?: string[]; remove?: string[] }) => {
      const { level, group, add = [], remove = [] } = settings
      if (level === undefined && typeof group !== 'string' && group !== false && add.length + remove.length === 0)
        throw usageError('Say what to change: --level, --group, --no-group, --add or --remove.')
      const wanted = level === undefined ? {} : { level: parseLevel(level) }
      await withAdministration(settings, async (administration, { sectors }) => {
        const grant = { ...wanted, sectors: parseSectors(add, sectors), revokeSectors: parseSectors(remove, sectors) }
        const { id } = await findAccount(administration, name)
        const lent =
          typeof group === 'string' ? { group: (await findGroup(administration, group)).id } : group === false ? { group: null } : {}
        const account = await administration.accounts.grant(id, { ...grant, ...lent })
        const names = sectorNames(account.sectors, sectors).join(', ')
        tell(settings, account, `has the level ${levelOf(account)} and ${names === '' ? 'no sectors' : `the sectors ${names}`}`)
      })
    })
}

function registerPassword(user: Command): void {
  onDatabase(user.command('password'))
    .description(
      'Sets the password of an account and ends its sessions. On a terminal the password is asked twice and not shown; otherwise it is one line on stdin.'
    )
    .argument('<name>', nameMeaning)
    .option(...minLengthFlags, wholeNumber(8, 64))
    .option(...mustChangeFlags)
    .option('--json', recordJson)
    .addHelpText('after', '\nExample:\n  gs user password ann --database ./gs.sqlite3')
    .action(async (name: string, settings: PasswordSettings) => {
      await withAdministration(settings, async (administration, place) => {
        const account = await findAccount(administration, name)
        await administration.accounts.setPassword(account.id, await askNewPassword(), {
          ...minLengthOf(settings, place),
          mustChange: settings.mustChange === true
        })
        tell(settings, account, 'has a new password; its sessions have ended')
      })
    })
}

function minLengthOf({ minLength }: PasswordSettings, place: Place): { minLength?: number } {
  const length = minLength ?? place.minLength
  return length === undefined ? {} : { minLength: length }
}

function levelOf({ level, effectiveLevel, group }: AccountRecord): string {
  return group === null ? levelName(level) : `${levelName(effectiveLevel)} of the group ${group} (its own is ${levelName(level)})`
}

function stateOf({ configured, lockedAt, verified, mustChangePassword }: AccountRecord): string {
  if (configured) return 'configured admin'
  if (lockedAt !== null) return 'locked'
  if (!verified) return 'unverified'
  return mustChangePassword ? 'must change password' : 'verified'
}

function tell({ json }: Common, account: AccountRecord, done: string): void {
  if (json) printJson(account)
  else printLine(`${account.username} ${done}.`)
}
