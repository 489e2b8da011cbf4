import type { FastifyRequest } from 'fastify'
import type { SessionInfo } from '../api.ts'
import { GsOptionError } from '../errors.ts'
import type { SymbolValue } from '../options.ts'
import type { Escape } from './escapes.ts'
import { createSymbolTable, type SymbolTable } from './interpret.ts'

const builtIn: Readonly<Record<string, SymbolValue>> = {
  $lwsgs_user: ({ username }) => username,
  $lwsgs_auth: ({ mask }) => mask,
  $lwsgs_email: ({ email }) => email
}

export interface Symbols {
  readonly table: SymbolTable
  /** The value of each symbol for the session of this request; null becomes the empty text. */
  valuesFor(request: FastifyRequest, escape: Escape): ReadonlyMap<string, Buffer>
}

/** @throws {GsOptionError} a name cannot stand in a file, or its value is no function */
export function createSymbols(own: Readonly<Record<string, SymbolValue>>, sessionInfo: (request: FastifyRequest) => SessionInfo): Symbols {
  for (const [name, value] of Object.entries(own)) {
    if (!/^\$[A-Za-z_]\w{0,63}$/.test(name) || Object.hasOwn(builtIn, name)) {
      throw new GsOptionError(
        `fastify-gs: the option symbols has the name ${JSON.stringify(name)}; use a $ with letters, digits and _ behind it, and none of ${Object.keys(builtIn).join(', ')}.`
      )
    }
    if (typeof value !== 'function')
      throw new GsOptionError(`fastify-gs: the option symbols.${name} must be a function of the session that gives a text or a number.`)
  }
  const symbols = Object.entries({ ...builtIn, ...own })
  const textOf = (name: string, value: ReturnType<SymbolValue> | undefined) => {
    // Of applications without types.
    if (typeof (value as unknown) === 'object' && value !== null)
      throw new TypeError(`The symbol ${name} gave an object or a promise; it must give a text or a number, at once.`)
    return String(value ?? '')
  }
  return {
    table: createSymbolTable(symbols.map(([name]) => name)),
    valuesFor(request, escape) {
      const info = sessionInfo(request)
      return new Map(symbols.map(([name, value]) => [name, Buffer.from(escape(textOf(name, value(info))))]))
    }
  }
}
