import { asSallyportError, SallyportError } from '../core/errors.ts'
import { judgeConnection } from '../engine/connection.ts'
import { lastWords } from '../http/linger.ts'
import { alerts } from '../tls/alert.ts'
import type { ClientHello } from '../tls/client-hello.ts'
import type { Destination } from './conntrack.ts'
import { denials } from './connect.ts'
import type { Connecting, Serve } from './connecting.ts'
import { ledgerRecord } from './context.ts'
import type { Connection, ConnectionRecord } from './context.ts'
import { decide, refusedHost } from './decide.ts'
import type { Decision } from './decide.ts'
import { inspected } from './interception.ts'
import type { OriginalDestination } from './original-destination.ts'
import type { ProxyParts } from './parts.ts'
import { firstBytes, wordsFor } from './peek.ts'
import type { FirstBytes } from './peek.ts'
import type { Places } from './places.ts'
import { canonicalHost } from './target.ts'
import type { Authority } from './target.ts'
import { carry, dialled, relayed } from './tunnel.ts'

/** What a door for redirected connections needs beside. */
export type Transparent = {
  readonly original: OriginalDestination
  /** Whether an address is one of this machine: programs that run here are clients without being listed. */
  readonly isLocal: (address: string) => boolean
  /** Whether the connection is one that this process has opened itself, to where it was going. */
  readonly isOwnDial: (client: Destination, to: Destination | undefined) => boolean
  readonly places: Places
  /** Where this machine finds a name that a parent proxy resolves for us; nowhere is an empty list. */
  readonly resolve: (host: string) => Promise<readonly string[]>
}

/**
 * A redirected connection, to what it begins with. TLS is intercepted, relayed or refused for the name in its hello, and leaves one
 * `connections` row. `begins` is told once it is known what it is. Resolves with the connection when it is one of plain HTTP, paused, whose requests say by themselves where they go.
 */
export async function begunRedirected(
  parts: ProxyParts,
  transparent: Transparent,
  connection: Connection,
  serve: Serve,
  begins: () => void,
): Promise<Connection | undefined> {
  const { socket, clientIp } = connection
  const to = await transparent.original(socket)
  const first = await firstBytes(socket, parts.handshakeTimeoutMs)
  begins()
  if (first.kind === 'closed') {
    socket.destroy()
    return undefined
  }
  const ownDial = transparent.isOwnDial({ address: clientIp, port: socket.remotePort ?? 0 }, to)
  if (first.kind === 'http' && !ownDial) return { ...connection, redirected: { to } }
  connection.exchanges += 1
  const record = ledgerRecord(parts.rooms, connection)
  record.set({ host: to?.address ?? null, port: to?.port ?? null })
  try {
    if (ownDial) throw new SallyportError('loop_detected', 'a connection of Sallyport itself was redirected to it')
    await decided({ parts, transparent, connection, record, serve }, first, to)
  } catch (thrown) {
    refused(parts, connection, record, first, thrown)
  }
  return undefined
}

type Redirected = {
  readonly parts: ProxyParts
  readonly transparent: Transparent
  readonly connection: Connection
  readonly record: ConnectionRecord
  readonly serve: Serve
}

/** Refuses by throwing. */
async function decided(redirected: Redirected, first: FirstBytes, to: Destination | undefined): Promise<void> {
  if (first.kind === 'invalid' || first.kind === 'silent') throw denied(wordsFor[first.kind])
  if (first.kind === 'hello' && first.sni !== undefined) return named(redirected, first, first.sni, to)
  if (first.kind === 'hello' || first.kind === 'other') return unnamed(redirected, first, to)
}

/** By the name, whatever address the client dialled: who lies about the name reaches only what is named. */
async function named(redirected: Redirected, hello: ClientHello, sni: string, to: Destination | undefined) {
  const { parts, transparent, record } = redirected
  const host = canonicalHost(sni)
  if (host === undefined) throw denied(wordsFor.invalid)
  const authority = { host, port: to?.port ?? 443 }
  record.set({ ...authority, sni })
  const { connecting, decision } = await judged(redirected, authority, sni, false)
  const { addresses } = await parts.guard(host, authority.port).catch(unlessUnresolved)
  const hides = hello.ech && decision.kind === 'tunnel' && parts.rooms.policy().hiddenName === 'deny'
  const known = hides && addresses.length === 0 ? await transparent.resolve(host) : addresses
  const place = transparent.places.placeOf(to, host, known)
  if (place === 'elsewhere')
    record.set({ reason: `${decision.reason}; dialled as ${to?.address}, which is not an address of ${host}` })
  // Under the name that it shows there may be another: what is sure is only that it is where that name is.
  if (hides && place !== 'there') throw denied('the hello may hold another name, encrypted')
  return decision.kind === 'inspect' ? inspected(connecting) : relayed(connecting)
}

/** To the address that the client dialled, where policy allows that. */
async function unnamed(
  redirected: Redirected,
  first: Extract<FirstBytes, { kind: 'hello' | 'other' }>,
  to: Destination | undefined,
): Promise<void> {
  const { parts, record } = redirected
  const policy = parts.rooms.policy()
  const why = first.kind === 'hello' ? 'no name in the hello' : wordsFor.other
  if (policy.unnamed === 'deny') throw denied(why)
  if (to === undefined) throw denied(`${why}, and the system does not tell where it was going`)
  const authority = { host: to.address, port: to.port }
  const { connecting, decision } = await judged(redirected, authority, null, first.kind === 'other')
  if (first.kind === 'hello') return decision.kind === 'inspect' ? inspected(connecting) : relayed(connecting)
  if (decision.kind === 'inspect' && policy.notTls === 'deny') throw denied(why)
  record.set({ handling: 'tunnel', reason: why })
  return carry(connecting, await dialled(connecting), first.held)
}

/** What policy says of the connection, when it does not refuse it. */
async function judged(
  redirected: Redirected,
  authority: Authority,
  sni: string | null,
  unreadable: boolean,
): Promise<{ readonly connecting: Connecting; readonly decision: Exclude<Decision, { kind: 'deny' }> }> {
  const { parts, connection, record, serve } = redirected
  const { id, clientIp } = connection
  const { host } = authority
  if (parts.isSelf(authority)) throw new SallyportError('loop_detected', `${host} is Sallyport itself`)
  const policy = parts.rooms.policy()
  const principal = null
  const rejectedLeaf =
    policy.intercept({ ...authority, clientIp, principal }).onRejectedLeaf === 'tunnel' &&
    parts.rejections.tunnelUntil(clientIp, host) !== undefined
  const facts = { ...authority, clientIp, principal, sni, rejectedLeaf }
  const decision = decide(policy, facts)
  record.set({ handling: decision.kind, reason: decision.reason })
  if (decision.kind === 'deny') throw refusedHost(host, decision.reason)
  const unread = decision.kind === 'tunnel' || unreadable
  const hooks = judgeConnection(parts.rooms, policy, { id, door: 'proxy', clientIp, principal, ...authority, unread })
  if (hooks !== undefined) await hooks
  if (decision.kind === 'inspect' && !parts.authority().permits(host))
    throw new SallyportError('ca_not_permitted', `the CA may not vouch for ${host}`)
  const decideAgain = (name: string | null) => decide(policy, { ...facts, sni: name })
  const outer = connection
  return {
    connecting: { parts, outer, authority, principal, record, decideAgain, establish: () => undefined, serve },
    decision,
  }
}

/** A name without an address: an exchange tells it in the caller's dialect, and a tunnel finds out by itself. */
function unlessUnresolved(error: unknown): { readonly addresses: readonly string[] } {
  if (error instanceof SallyportError && error.code === 'name_not_resolved') return { addresses: [] }
  throw error
}

/** As the network would refuse, or with the one word that TLS has for it. */
function refused(
  parts: ProxyParts,
  connection: Connection,
  record: ConnectionRecord,
  first: FirstBytes,
  thrown: unknown,
) {
  const error = asSallyportError(thrown)
  if (error.code === 'internal_error') parts.log.error({ connection: connection.id, err: thrown }, 'connection failed')
  const isDenied = denials.has(error.code)
  record.set({ handling: isDenied ? 'deny' : 'failed', reason: error.message, error: error.code })
  if (isDenied && first.kind === 'hello') lastWords(connection.socket, alerts.accessDenied)
  else connection.socket.resetAndDestroy()
  record.end()
}

function denied(because: string): SallyportError {
  return new SallyportError('policy_denied', because)
}
