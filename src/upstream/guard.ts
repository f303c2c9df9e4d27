import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import type { AddressSet } from '../lib/ip.ts'
import { isSpecialAddress, plainAddress } from '../lib/ip.ts'
import { within } from './limits.ts'

/** Where a connection to a target goes: addresses checked once, dialled without another look-up. */
export type Route = {
  readonly addresses: readonly string[]
  readonly port: number
  /** A parent proxy takes it there and resolves the name: `addresses` holds what the target itself says. */
  readonly carried?: boolean
}

export type Guard = (host: string, port: number) => Promise<Route>

export type Resolver = (host: string) => Promise<readonly string[]>

/**
 * Resolves a name once and lets through only addresses that a client may reach. `resolve` maps `host:port` to `address:port`
 * and is the operator's word: its addresses are not checked. One forbidden address among several refuses the name, so that
 * a name cannot smuggle one in (DNS rebinding). What a parent proxy carries is not resolved, and `resolve` is not for it.
 */
export function addressGuard(options: {
  readonly resolve: ReadonlyMap<string, string>
  readonly allowed: AddressSet
  /** Default ten seconds. */
  readonly lookupTimeoutMs?: number
  readonly lookup?: Resolver
  /** Whether a parent proxy takes connections to a target. */
  readonly carried?: (host: string, port: number) => boolean
}): Guard {
  const resolver = options.lookup ?? systemLookup
  const limits = { connectTimeoutMs: options.lookupTimeoutMs ?? 10_000 }
  const addressesOf = (host: string): Promise<readonly string[]> =>
    within(limits, `${host} is not resolved`, (resolve, reject) => {
      resolver(host).then(resolve, reject)
      return () => undefined
    })
  const check = (host: string, addresses: readonly string[]): readonly string[] => {
    const refused = addresses.find((address) => isSpecialAddress(address) && !options.allowed(address))
    if (refused === undefined) return addresses
    throw new SallyportError(
      'address_not_allowed',
      host === refused
        ? `${host} is an address that may not be dialled`
        : `${host} is at ${refused}, an address that may not be dialled`,
    )
  }
  return async (host, port) => {
    if (options.carried?.(host, port) === true) {
      return { addresses: check(host, addressesWithin(host)), port, carried: true }
    }
    const fixed = options.resolve.get(`${host}:${port}`)
    if (fixed !== undefined) return fixedRoute(fixed, port)
    const known = check(host, addressesWithin(host))
    return { addresses: isIP(host) === 0 ? check(host, await addressesOf(host)) : known, port }
  }
}

/** What a host says of its address by itself; `localhost` is loopback everywhere (RFC 6761, 6.3). */
function addressesWithin(host: string): readonly string[] {
  if (isIP(host) !== 0) return [plainAddress(host)]
  return host === 'localhost' || host.endsWith('.localhost') ? ['127.0.0.1'] : []
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
