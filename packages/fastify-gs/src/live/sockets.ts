import type { FastifyRequest } from 'fastify'
import { addressGroup } from '../accounts/throttle.ts'
import { gsError, type GsError } from '../errors.ts'
import type { GsSocketLimits, ResolvedOptions } from '../options.ts'
import { GuardedSocket, type SocketRules } from './guarded-socket.ts'
import type { SessionRegistry } from './session-registry.ts'

/** The websockets of an application's routes. */
export interface Sockets {
  /** Counts a socket before its upgrade, so that others that come at the same time find it; or says why there can be none more. */
  readonly admit: (request: FastifyRequest, limits: Required<GsSocketLimits>) => GuardedSocket | GsError
  /** Closes all of them, and takes no more. */
  readonly close: () => void
}

interface SocketsSettings extends Omit<SocketRules, 'gone' | 'registry'> {
  readonly registry: Pick<SessionRegistry, 'checkSession' | 'connect' | 'isCurrent' | 'countOfAccount' | 'countOfSession'>
  readonly options: Pick<ResolvedOptions['sockets'], 'perAccount' | 'perAddress' | 'perSession' | 'pingInterval'>
}

/** Into how many parts the sockets are divided: the pings of one part go out together. */
const parts = 30

export function createSockets(settings: SocketsSettings): Sockets {
  const { registry, options } = settings
  const ring = Array.from({ length: parts }, () => new Set<GuardedSocket>())
  const perGroup = new Map<string, number>()
  let open = 0
  /** In turn, so that all parts are equally large. */
  let admitted = 0
  let asked = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const beat = () => {
    asked = (asked + 1) % parts
    for (const socket of ring[asked]!) socket.beat()
  }
  const add = (socket: GuardedSocket) => {
    ring[socket.part]!.add(socket)
    open++
    if (socket.group !== null) perGroup.set(socket.group, (perGroup.get(socket.group) ?? 0) + 1)
    timer ??= setInterval(beat, options.pingInterval / parts).unref()
    return socket
  }
  const gone = (socket: GuardedSocket) => {
    if (!ring[socket.part]!.delete(socket)) return
    open--
    if (socket.group !== null) {
      const left = perGroup.get(socket.group)! - 1
      if (left > 0) perGroup.set(socket.group, left)
      else perGroup.delete(socket.group)
    }
    if (open > 0) return
    clearInterval(timer)
    timer = undefined
  }
  const partOfNext = () => admitted++ % parts
  const rules: SocketRules = { ...settings, gone }

  return {
    admit(request, limits) {
      if (closed) return gsError('GS_BUSY', { retryAfter: 2 })
      const { gs: visit } = request
      if (visit.account === null) {
        const group = addressGroup(request.ip)
        if ((perGroup.get(group) ?? 0) >= options.perAddress) return gsError('GS_TOO_MANY_SOCKETS')
        return add(new GuardedSocket(rules, limits, request, group, partOfNext()))
      }
      const full =
        registry.countOfSession(visit.session.id, 'socket') >= options.perSession ||
        registry.countOfAccount(visit.account.id, 'socket') >= options.perAccount
      if (full) return gsError('GS_TOO_MANY_SOCKETS')
      const socket = new GuardedSocket(rules, limits, request, null, partOfNext())
      const leave = registry.connect(visit, socket)
      if (leave === null) return gsError('GS_BUSY', { retryAfter: 2 })
      socket.joined(leave)
      return add(socket)
    },
    close() {
      closed = true
      for (const part of ring) for (const socket of part) socket.closing()
    }
  }
}
