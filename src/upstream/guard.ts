import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import type { AddressSet } from '../lib/ip.ts'
import { isSpecialAddress, plainAddress } from '../lib/ip.ts'

/** Where a connection to a target goes: addresses checked once, dialled without another look-up. */
export type Route = { readonly addresses: readonly string[]; readonly port: number }

export type Guard = (host: string, port: number) => Promise<Route>

export type Resolver = (host: string) => Promise<readonly string[]>

/**
 * Resolves a name once and lets through only addresses that a client may reach. `resolve` maps `host:port` to `address:port`
 * and is the operator's word: its addresses are not checked. One forbidden address among several refuses the name, so that
 * a name cannot smuggle one in (DNS rebinding).
 */
export function addressGuard(options: {
  readonly resolve: ReadonlyMap<string, string>
  readonly allowed: AddressSet
  readonly lookup?: Resolver
}): Guard {
  const resolver = options.lookup ?? systemLookup
  return async (host, port) => {
    const fixed = options.resolve.get(`${host}:${port}`)
    if (fixed !== undefined) return fixedRoute(fixed, port)
    const addresses = isIP(host) === 0 ? await resolver(host) : [plainAddress(host)]
    const refused = addresses.find((address) => isSpecialAddress(address) && !options.allowed(address))
    if (refused !== undefined)
      throw new SallyportError('address_not_allowed', `${host} is at ${refused}, an address that may not be dialled`)
    return { addresses, port }
  }
}

function fixedRoute(fixed: string, port: number): Route {
  const at = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(fixed)
  return { addresses: [at?.[1] ?? fixed], port: at?.[2] === undefined ? port : Number(at[2]) }
}

const systemLookup: Resolver = async (host) => {
  try {
    const found = await lookup(host, { all: true, order: 'verbatim' })
    return found.map(({ address }) => address)
  } catch (cause) {
    throw new SallyportError('name_not_resolved', `${host} does not resolve`, { cause })
  }
}
