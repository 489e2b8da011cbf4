import type { LwswsConfig, LwswsVhost } from 'fastify-gs/lwsws'
import { CliError } from '../cli-error.ts'
import { Listener, planListeners, type ListenPlan } from './listener.ts'
import type { Logger } from './log.ts'
import { buildSite, fingerprintOf, type Site, type SiteSettings } from './site.ts'
import { readTls, type Tls } from './tls.ts'

/** How long a stop may take, ms. What is still running two seconds before that is cut off. */
export const stopLimit = 10_000

export interface ServerSettings extends Omit<SiteSettings, 'serverString' | 'rehearsal'> {
  readonly config: LwswsConfig
}

/** What is decided about a configuration before anything of it takes effect. */
interface Prepared {
  readonly sites: ReadonlyMap<LwswsVhost, Site>
  readonly tls: ReadonlyMap<Site, Tls | null>
  readonly listeners: ReadonlyMap<Listener, readonly LwswsVhost[]>
}

/** What people type to get there. */
function addressOf({ name, port, unixSocket, tls }: LwswsVhost): string {
  if (unixSocket !== null) return `${name} at ${unixSocket}`
  return `${tls === null ? 'http' : 'https'}://${name}${port === (tls === null ? 80 : 443) ? '' : `:${port}`}/`
}

/** All vhosts of a configuration behind their ports. */
export class SiteServer {
  readonly #settings: ServerSettings
  readonly #log: Logger
  #sites: readonly Site[] = []
  #listeners: readonly Listener[] = []
  /** Ports of an earlier configuration with connections that still run. */
  readonly #retired = new Set<Listener>()
  /** Sites of an earlier configuration whose last answers are on their way. */
  readonly #leaving = new Set<Promise<void>>()
  #work: Promise<unknown> = Promise.resolve()
  #stopped: Promise<void> | undefined

  constructor(settings: ServerSettings) {
    this.#settings = settings
    this.#log = settings.log
  }

  /** @throws {CliError | GsStartError | GsOptionError} in one sentence; nothing is left open then */
  start(): Promise<void> {
    return this.#inTurn(() => this.#apply(this.#settings.config))
  }

  /**
   * Goes over to another configuration. Only what is different is built anew; sessions are in the database and stay.
   *
   * @throws {CliError | GsStartError | GsOptionError} in one sentence; everything goes on as before then
   */
  reload(config: LwswsConfig): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stopped !== undefined) return
      await this.#apply(config)
      for (const site of this.#sites) site.reopenLogs()
    })
  }

  /** Stops accepting, lets run what runs, and closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#inTurn(() => this.#end())
    return this.#stopped
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#work.then(task)
    this.#work = result.catch(() => undefined)
    return result
  }

  async #apply(config: LwswsConfig): Promise<void> {
    const { sites, tls, listeners } = await this.#prepare(config)
    // From here on nothing fails, and a request finds either the old or the new.
    for (const [site, read] of tls) site.tls = read
    for (const [listener, vhosts] of listeners) listener.use(vhosts.map((vhost) => sites.get(vhost)!))
    const current = [...new Set(sites.values())]
    const oldSites = this.#sites.filter((site) => !current.includes(site))
    const oldListeners = this.#listeners.filter((listener) => !listeners.has(listener))
    const changed = current.filter((site) => !this.#sites.includes(site)).map(({ name }) => name)
    const opened = [...listeners.keys()].filter((listener) => !this.#listeners.includes(listener))
    this.#sites = current
    this.#listeners = [...listeners.keys()]
    for (const listener of oldListeners) void this.#retire(listener)
    for (const site of oldSites) this.#leave(site)
    for (const { plan } of opened) this.#log.info({ tls: plan.tls }, `listening: ${plan.name}`)
    const removed = oldSites.map(({ name }) => name).filter((name) => !changed.includes(name))
    // The number is for signals: a program that has started this one may have another.
    this.#log.info({ pid: process.pid, sites: config.vhosts.map(addressOf), changed, removed }, 'serving')
  }

  async #prepare(config: LwswsConfig): Promise<Prepared> {
    const settings: SiteSettings = { ...this.#settings, serverString: config.global.serverString }
    const plans = planListeners(config.vhosts)
    const opened: Listener[] = []
    const built: Site[] = []
    try {
      // First: a second server for the same port must not touch the database and the mail of the first one.
      const listeners = new Map<Listener, readonly LwswsVhost[]>()
      for (const [plan, vhosts] of plans) {
        const kept = this.#listeners.find((listener) => listener.plan.key === plan.key)
        const listener = kept ?? (await this.#open(plan))
        if (kept === undefined) opened.push(listener)
        listeners.set(listener, vhosts)
      }
      const sites = new Map<LwswsVhost, Site>()
      const tls = new Map<Site, Tls | null>()
      const kept = new Set<Site>()
      for (const vhost of config.vhosts) {
        const fingerprint = fingerprintOf(vhost, settings)
        const same = this.#sites.find((site) => site.fingerprint === fingerprint && !kept.has(site))
        const site = same ?? (await buildSite(vhost, settings))
        if (same === undefined) built.push(site)
        else kept.add(same)
        sites.set(vhost, site)
        tls.set(site, same === undefined ? site.tls : readTls(vhost))
      }
      return { sites, tls, listeners }
    } catch (error) {
      for (const listener of opened) listener.stop()
      await Promise.all(built.map((site) => site.close()))
      throw error
    }
  }

  async #open(plan: ListenPlan): Promise<Listener> {
    const listener = new Listener(plan, this.#log)
    const inTheWay = this.#listeners.find((other) => other.plan.name === plan.name)
    if (inTheWay !== undefined) {
      throw new CliError(
        `${plan.name} cannot change between encrypted and unencrypted, nor begin or cease to ask for client certificates, while the server runs; restart it.`
      )
    }
    await listener.open()
    return listener
  }

  /** Its connections end when they have their answers. */
  async #retire(listener: Listener): Promise<void> {
    listener.stop()
    this.#retired.add(listener)
    const timer = setInterval(() => listener.closeIdleConnections(), 1000).unref()
    await listener.closed
    clearInterval(timer)
    this.#retired.delete(listener)
  }

  #leave(site: Site): void {
    const gone = site
      .drained()
      .then(() => site.close())
      .catch((error: unknown) => this.#log.error({ err: error, vhost: site.name }, 'a replaced site could not be closed'))
      .finally(() => this.#leaving.delete(gone))
    this.#leaving.add(gone)
  }

  async #end(): Promise<void> {
    for (const listener of this.#listeners) listener.stop()
    const listeners = [...this.#listeners, ...this.#retired]
    // A connection whose request was running at the signal would wait for another one.
    const closing = setInterval(() => {
      for (const listener of listeners) listener.closeIdleConnections()
    }, 100)
    const cutting = setTimeout(() => {
      for (const listener of listeners) listener.closeAllConnections()
    }, stopLimit - 2000)
    for (const site of this.#sites) this.#leave(site)
    await Promise.all(this.#leaving)
    clearInterval(closing)
    clearTimeout(cutting)
    for (const listener of listeners) listener.closeAllConnections()
  }
}
