import { createHash, hkdfSync } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { oneAtATime, singleFlight } from '../lib/async.ts'
import { lru } from '../lib/lru.ts'
import type { Authority } from './authority.ts'
import { type LeafKey, mintLeaf, newLeafKey } from './mint.ts'

export type LeafCache = {
  /** The TLS context with a leaf for this name. Rejects as `mintLeaf` throws; a failure is not remembered. */
  readonly contextFor: (name: string) => Promise<SecureContext>
  readonly size: () => number
}

export type LeafCacheOptions = {
  readonly authority: Authority
  readonly hours: number
  readonly now: () => number
  readonly crlUrl?: string
  /** Contexts held; each takes some 26 KB. */
  readonly max?: number
  /** Hears of every context handed out, and whether it had to be made. For metrics. */
  readonly onUse?: (outcome: 'hit' | 'minted' | 'failed') => void
}

/**
 * Leaves by name, in memory only: minted once however many ask at the same time, one in each turn of the event loop, and minted anew
 * past half their life while the old one still serves.
 */
export function leafCache(options: LeafCacheOptions): LeafCache {
  const { now, onUse, max = 2_000 } = options
  const entries = lru<string, Entry>({ max })
  const inTurn = oneAtATime()
  const dayKeys = daily(options.authority)

  const mint = singleFlight((name: string) =>
    inTurn(() => {
      const entry = entryFor(name, options, dayKeys(dayOf(now())))
      entries.set(name, entry)
      onUse?.('minted')
      return entry.context
    }).catch((thrown: unknown) => {
      onUse?.('failed')
      throw thrown
    }),
  )

  const contextFor = (name: string): Promise<SecureContext> => {
    const entry = entries.get(name)
    const at = now()
    if (entry === undefined || at >= entry.expires) return mint(name)
    // A renewal that fails leaves the old leaf in use; when that one ends, whoever asks hears the reason.
    if (at >= entry.renew || dayOf(at) !== entry.day) mint(name).catch(() => undefined)
    onUse?.('hit')
    return Promise.resolve(entry.context)
  }

  return { contextFor: (name) => contextFor(name.toLowerCase()), size: entries.size }
}

type Entry = {
  readonly context: SecureContext
  readonly day: number
  readonly renew: number
  readonly expires: number
}

type DayKeys = { readonly day: number; readonly leafKey: LeafKey; readonly ticketKeys: Buffer }

function entryFor(name: string, { authority, hours, crlUrl, now }: LeafCacheOptions, keys: DayKeys): Entry {
  const at = now()
  const leaf = mintLeaf(authority, keys.leafKey, name, { now: at, hours, crlUrl })
  // No `ca` here, ever: parsing a list of roots for each context costs twenty times the rest.
  const context = createSecureContext({
    cert: leaf.pem + authority.chainPem,
    key: keys.leafKey.pem,
    minVersion: 'TLSv1.2',
    ticketKeys: keys.ticketKeys,
    sessionIdContext: sessionIdContext(name),
    sessionTimeout: SESSION_SECONDS,
  })
  return { context, day: keys.day, renew: at + (leaf.notAfter - at) / 2, expires: leaf.notAfter - EXPIRY_MARGIN }
}

/** The leaf key and the ticket keys of a day. */
function daily(authority: Authority): (day: number) => DayKeys {
  let today: DayKeys | undefined
  return (day) => {
    if (today?.day !== day) today = { day, leafKey: newLeafKey(), ticketKeys: ticketKeysOf(authority, day) }
    return today
  }
}

/** Derived, not drawn, so that all processes that hold the CA key resume each other's sessions without talking. */
function ticketKeysOf(authority: Authority, day: number): Buffer {
  const secret = authority.key.export({ type: 'pkcs8', format: 'der' })
  return Buffer.from(hkdfSync('sha256', secret, authority.fingerprint, `sallyport session tickets ${day}`, 48))
}

/** A session is of one name: the ticket keys are the same for all, so nothing else would keep them apart. At most 32 bytes. */
function sessionIdContext(name: string): string {
  return createHash('sha256').update(name).digest('base64url').slice(0, 32)
}

function dayOf(at: number): number {
  return Math.floor(at / 86_400_000)
}

const SESSION_SECONDS = 7_200
// A leaf in its last minute is no longer handed out: the client's clock may be ahead.
const EXPIRY_MARGIN = 60_000
