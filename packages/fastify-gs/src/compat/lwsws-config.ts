import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { crossCheck } from './lwsws-cross-checks.ts'
import { readGlobal } from './lwsws-global.ts'
import { parseLwswsJson, type LwswsMember, type LwswsObject } from './lwsws-json.ts'
import { createProblems, type LwswsProblem, type LwswsProblems } from './lwsws-problems.ts'
import type { LwswsReading } from './lwsws-section.ts'
import { readVhost, type LwswsVhost } from './lwsws-vhost.ts'

export type { LwswsMount, LwswsOrigin } from './lwsws-mount.ts'
export type { LwswsTls } from './lwsws-listener.ts'
export type { LwswsProblem } from './lwsws-problems.ts'
export type { LwswsSessions } from './lwsws-sessions.ts'
export type { LwswsVhost } from './lwsws-vhost.ts'

/** What a configuration says. With errors among the problems it is incomplete and must not be served: what is missing may be a protection. */
export interface LwswsConfig {
  /** In the order of files and lines. */
  readonly problems: readonly LwswsProblem[]
  readonly global: {
    /** Value of the header `Server`. */
    readonly serverString: string | null
  }
  /** In the order of files: the first one of a port gets what is meant for no other. */
  readonly vhosts: readonly LwswsVhost[]
  /** The files that were read, absolute. */
  readonly files: readonly string[]
}

export interface LwswsSettings {
  /** What `_lws_ddir_` in texts stands for. Default: `/usr/share`. */
  readonly dataDirectory?: string
}

/** More is no configuration, but a wrong path. */
const largestFile = 1_048_576

/**
 * Reads the configuration of lwsws: a directory (its file `conf`, and the files in `conf.d/` by name), or a single file. Nothing is
 * started or written. Throws nothing for what it finds there: the problems tell.
 */
export function readLwswsConfig(path: string, settings: LwswsSettings = {}): LwswsConfig {
  const problems = createProblems()
  const reading: LwswsReading = { problems, dataDirectory: settings.dataDirectory ?? '/usr/share' }
  const files = findFiles(resolve(path), problems)
  const roots = files.flatMap((file) => readFile(file, problems) ?? [])
  const serverString = readGlobal(roots, reading)
  const lists = roots.flatMap((root) => root.members.filter(({ key }) => key === 'vhosts'))
  const nodes = lists.flatMap((list) => vhostObjects(list, problems))
  const vhosts = nodes.map((node) => readVhost(node, reading)).filter((vhost) => vhost !== null)
  // Lists that are something else have been noted.
  if (roots.length > 0 && roots.length === files.length && lists.every(({ value }) => value.type === 'array' && value.items.length === 0))
    problems.error(
      { file: files[0]!, line: 1 },
      'there is no vhost in the configuration, so nothing would be served; write "vhosts": [{ … }].'
    )
  crossCheck(vhosts, files, problems)
  return { problems: problems.list([resolve(path), ...files]), global: { serverString }, vhosts, files }
}

const reasonOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown'

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function findFiles(path: string, problems: LwswsProblems): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
  } catch (error) {
    problems.error(
      { file: path, line: 1 },
      `this cannot be read (${reasonOf(error)}); name a directory with a file "conf" in it, or a file.`
    )
    return []
  }
  const directory = join(path, 'conf.d')
  let names: readonly string[] = []
  try {
    names = readdirSync(directory)
  } catch (error) {
    if (reasonOf(error) !== 'ENOENT')
      problems.error(
        { file: directory, line: 1 },
        `this directory cannot be read (${reasonOf(error)}); let the user of the server read it.`
      )
  }
  // By code units, on every machine the same.
  const parts = names
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => join(directory, name))
    .filter((file) => !isDirectory(file))
  return [join(path, 'conf'), ...parts]
}

function readFile(file: string, problems: LwswsProblems): LwswsObject | null {
  const refuse = (line: number, sentence: string) => {
    problems.error({ file, line }, sentence)
    return null
  }
  let bytes: Buffer
  try {
    const status = statSync(file)
    if (!status.isFile() || status.size > largestFile)
      return refuse(1, 'this is no file of at most 1 MiB, and so no configuration; move it away.')
    bytes = readFileSync(file)
  } catch (error) {
    return refuse(1, `this file cannot be read (${reasonOf(error)}); correct the path, or let the user of the server read it.`)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse(1, 'this file is not in UTF-8; save it in UTF-8, or move it away if it is no configuration.')
  }
  const parsed = parseLwswsJson(file, text)
  if ('wrong' in parsed) return refuse(parsed.line, `${parsed.wrong}.`)
  if (parsed.root.type !== 'object') return refuse(parsed.root.line, 'this is no JSON object; write { "vhosts": [{ … }] }.')
  return parsed.root
}

function vhostObjects(list: LwswsMember, problems: LwswsProblems): readonly LwswsObject[] {
  const shape = '"vhosts" must be a list of objects, like [{ "name": "example.com", "port": "80" }].'
  if (list.value.type !== 'array') {
    problems.error(list, shape)
    return []
  }
  return list.value.items.filter((item) => {
    if (item.type !== 'object') problems.error(item, shape)
    return item.type === 'object'
  })
}
