import { realpathSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import type { LwswsPlace } from './lwsws-json.ts'
import type { LwswsMount } from './lwsws-mount.ts'
import { quote, type LwswsProblems } from './lwsws-problems.ts'
import type { LwswsSessions } from './lwsws-sessions.ts'
import type { LwswsVhost } from './lwsws-vhost.ts'

/** What only shows when all vhosts are known. `files`: those of the configuration. */
export function crossCheck(vhosts: readonly LwswsVhost[], files: readonly string[], problems: LwswsProblems): void {
  for (const [index, vhost] of vhosts.entries()) {
    for (const other of vhosts.slice(0, index)) {
      checkListeners(vhost, other, problems)
      checkDatabases(vhost, other, problems)
    }
  }
  checkRoots(vhosts, problems)
  checkPrivateFiles(vhosts, files, problems)
}

const at = ({ file, line }: LwswsPlace) => `${file}:${line}`
const nameOf = (vhost: LwswsVhost) => `the vhost ${quote(vhost.name)}`
const listenerOf = (vhost: LwswsVhost) => vhost.unixSocket ?? `${vhost.interface ?? ''} ${vhost.port}`

function checkListeners(vhost: LwswsVhost, other: LwswsVhost, problems: LwswsProblems): void {
  if (listenerOf(vhost) !== listenerOf(other)) return
  const place = vhost.unixSocket === null ? `port ${vhost.port}` : `socket ${quote(vhost.unixSocket)}`
  if (vhost.name.toLowerCase() === other.name.toLowerCase())
    problems.error(
      vhost,
      `${nameOf(vhost)} on ${place} stands here again, after ${at(other)}; remove one of them, or give it another name or port.`
    )
  if ((vhost.tls === null) !== (other.tls === null))
    problems.error(
      vhost,
      `${nameOf(vhost)} ${vhost.tls === null ? 'is plain' : 'speaks TLS'} on ${place}, and ${nameOf(other)} at ${at(other)} there ${other.tls === null ? 'is plain' : 'speaks TLS'}; give one of them another port.`
    )
}

const databaseOf = ({ options }: LwswsSessions) =>
  'sqlite' in options.database ? whereItIs(options.database.sqlite) : options.database.postgres

/** Two sites with the same accounts have to agree about what stands in the database. */
function checkDatabases(vhost: LwswsVhost, other: LwswsVhost, problems: LwswsProblems): void {
  const [one, two] = [vhost.sessions, other.sessions]
  if (one === null || two === null || databaseOf(one) !== databaseOf(two)) return
  const [a, b] = [one.options, two.options]
  const both = `${nameOf(vhost)} has the same database as ${nameOf(other)} at ${at(other)}`
  if (JSON.stringify(a.admin) !== JSON.stringify(b.admin))
    problems.error(one, `${both}, but another admin, and each would end the other's; give both the same admin, or each its own database.`)
  if (JSON.stringify(a.sectors) !== JSON.stringify(b.sectors))
    problems.error(
      one,
      `${both}, but other "sectors", so that a bit would mean different things; give both the same list, or each its own database.`
    )
  if (one.confounder !== two.confounder)
    problems.error(
      one,
      `${both}, but another confounder, so that passwords which come from lwsgs would not work on both; give both the same, or each its own database.`
    )
  if (a.baseUrl !== b.baseUrl || a.prefix !== b.prefix)
    problems.warning(one, `${both}; links in mails may begin with either address, ${a.baseUrl}${a.prefix} or ${b.baseUrl}${b.prefix}.`)
}

interface Root {
  readonly vhost: LwswsVhost
  readonly mount: LwswsMount
  readonly directory: string
}

const rootsOf = (vhosts: readonly LwswsVhost[]): readonly Root[] =>
  vhosts.flatMap((vhost) =>
    vhost.mounts.flatMap((mount) => (mount.origin.kind === 'files' ? [{ vhost, mount, directory: mount.origin.directory }] : []))
  )

/** Both are real paths. */
const contains = (directory: string, path: string) =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep)
const meets = (mount: LwswsMount, other: LwswsMount) =>
  (mount.mask & other.mask) >>> 0 === other.mask && (other.basicAuthFile === null || mount.basicAuthFile === other.basicAuthFile)
const protection = ({ mask, basicAuthFile }: LwswsMount) =>
  [`the auth-mask ${mask}`, ...(basicAuthFile === null ? [] : ['a basic-auth'])].join(' and ')

function checkRoots(vhosts: readonly LwswsVhost[], problems: LwswsProblems): void {
  const roots = rootsOf(vhosts)
  for (const [index, root] of roots.entries()) {
    const twin = roots.slice(0, index).find(({ vhost, directory }) => vhost === root.vhost && directory === root.directory)
    if (twin !== undefined && !(meets(root.mount, twin.mount) && meets(twin.mount, root.mount))) {
      problems.error(
        root.mount,
        `the mount ${quote(root.mount.prefix)} of ${nameOf(root.vhost)} has the directory ${quote(root.directory)} with ${protection(root.mount)}, and the mount ${quote(twin.mount.prefix)} at ${at(twin.mount)} has it with ${protection(twin.mount)}; give both the same protection, or each its own directory.`
      )
    }
    // Within one vhost the stricter of two nested mounts has its files for itself; vhosts know nothing of each other.
    for (const vhost of vhosts) {
      if (vhost === root.vhost) continue
      const around = roots
        .filter((other) => other.vhost === vhost && contains(other.directory, root.directory))
        .toSorted((a, b) => b.directory.length - a.directory.length)[0]
      if (around !== undefined && !meets(around.mount, root.mount)) {
        problems.warning(
          root.mount,
          `the mount ${quote(root.mount.prefix)} of ${nameOf(root.vhost)} has ${protection(root.mount)}, but its files are also in the mount ${quote(around.mount.prefix)} of ${nameOf(vhost)} at ${at(around.mount)} with ${protection(around.mount)}; protect that one as well, or move the files.`
        )
      }
    }
  }
}

/** Where a file is or will be, symbolic links followed as far as there is something. */
function whereItIs(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(whereItIs(parent), basename(path))
  }
}

function checkPrivateFiles(vhosts: readonly LwswsVhost[], files: readonly string[], problems: LwswsProblems): void {
  const privateFiles = [
    ...files.map((path) => ({ what: 'the configuration', path })),
    ...vhosts.flatMap(({ sessions, tls, mounts, accessLog }) => [
      ...(sessions !== null && 'sqlite' in sessions.options.database
        ? [{ what: 'the database', path: sessions.options.database.sqlite }]
        : []),
      ...(tls === null || tls.keyFile === '' ? [] : [{ what: 'the private key', path: tls.keyFile }]),
      ...(accessLog === null ? [] : [{ what: 'the access log', path: accessLog }]),
      ...mounts.flatMap(({ basicAuthFile }) => (basicAuthFile === null ? [] : [{ what: 'the passwords', path: basicAuthFile }]))
    ])
  ]
  for (const { vhost, mount, directory } of rootsOf(vhosts)) {
    for (const { what, path } of privateFiles) {
      if (contains(directory, whereItIs(path)))
        problems.error(
          mount,
          `the mount ${quote(mount.prefix)} of ${nameOf(vhost)} would serve ${what} ${quote(path)}, which lies in its directory; move one of them.`
        )
    }
  }
}
