import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { Config } from '../config/schema.ts'
import type { Rooms } from '../engine/exchange.ts'
import { addressSet, plainAddress } from '../lib/ip.ts'
import type { Log } from '../lib/log.ts'
import { noProxy } from '../lib/no-proxy.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { authenticator } from '../proxy/authenticate.ts'
import type { Outcome } from '../proxy/authenticate.ts'
import type { ProxyParts } from '../proxy/parts.ts'
import type { Authority } from '../tls/authority.ts'
import { leafCache } from '../tls/leaf-cache.ts'
import { emptyCrl } from '../tls/mint.ts'
import { serveTls } from '../tls/serve-tls.ts'
import type { ServeTls } from '../tls/serve-tls.ts'
import { rejections } from '../tls/rejections.ts'
import { clientContexts } from '../upstream/client-certs.ts'
import { connector } from '../upstream/connect.ts'
import { addressGuard } from '../upstream/guard.ts'
import { parentProxy } from '../upstream/parent.ts'
import { parentAddress } from '../upstream/parent-url.ts'
import { resuming } from '../upstream/secure.ts'
import type { Secure } from '../upstream/secure.ts'
import { upstream } from '../upstream/send.ts'
import { upstreamTrust } from '../upstream/trust.ts'
import type { Address } from './listen.ts'
import type { Principals } from './principals.ts'

/** What the proxy door needs, from configuration; `reload` makes anew what depends on it. */
export function proxyParts(options: {
  readonly config: () => Config
  /** Where this program listens, whatever a configuration that was loaded since says. */
  readonly own: () => readonly Address[]
  readonly rooms: Rooms
  readonly metrics: Metrics
  readonly log: Log
  readonly authority: Authority
  /** How many processes share the door and its limits. */
  readonly processes: number
  readonly principalOf: Principals['principalOf']
}): { readonly parts: ProxyParts; readonly reload: () => void; readonly close: () => Promise<void> } {
  const { config, own, rooms, metrics, log, authority } = options
  let live = liveParts(config(), own, log)
  let tls = tlsOf(config(), log)
  // Failures are counted over reloads.
  const authenticate = authenticator({
    scheme: () => config().proxy.auth,
    principalOf: options.principalOf,
    now: Date.now,
  })
  const leaves = leafCache({
    authority,
    hours: config().ca.leafHours,
    now: Date.now,
    onUse: (outcome) => metrics.leaves.inc({ outcome }),
    ...crlUrl(config()),
  })
  const parts: ProxyParts = {
    rooms,
    metrics,
    log,
    authority: () => authority,
    leaves,
    rejections: rejections({ ms: 600_000, max: 10_000, now: Date.now }),
    get guard() {
      return live.guard
    },
    get connector() {
      return live.connector
    },
    get upstream() {
      return live.upstream
    },
    pages: {
      caPem: () => authority.certificatePem,
      caDer: () => authority.certificateDer,
      crl: () => emptyCrl(authority, Date.now()),
      fingerprint: () => authority.fingerprint,
      inspected: () => rooms.policy().inspectedHosts,
    },
    identify: (headers, clientIp, certificate) => principalIn(authenticate(headers, clientIp, certificate)),
    get tls() {
      return tls
    },
    isSelf: ({ host, port }) => isOwnAddress(own(), host === 'localhost' ? '127.0.0.1' : host, port),
    allowClient: (address) => live.allowClient(address),
    get maxConnections() {
      return Math.max(1, Math.floor(config().limits.connections / options.processes))
    },
    headerBytes: config().limits.headerBytes,
    handshakeTimeoutMs: 10_000,
  }
  return {
    parts,
    reload() {
      const before = live
      live = liveParts(config(), own, log)
      try {
        tls = tlsOf(config(), log)
      } catch (thrown) {
        const error = asSallyportError(thrown)
        log.error(
          { code: error.code, problems: error.message },
          'TLS of the proxy not reloaded: the old stays in force',
        )
      }
      // What is in flight on the old connections is given time to finish.
      setTimeout(() => void before.upstream.close(), config().shutdown.graceMs).unref()
    },
    close: () => live.upstream.close(),
  }
}

function liveParts(config: Config, own: () => readonly Address[], log: Log) {
  const settings = config.upstream
  const isOwn = (address: string, port: number): boolean => isOwnAddress(own(), address, port)
  const secure = resuming(
    clientContexts({
      entries: settings.clientCerts,
      context: upstreamTrust(settings.ca),
      warn: (message) => log.warn({}, message),
    }),
  )
  const parent = parentOf(config, { isOwn, secure })
  const guard = addressGuard({
    resolve: new Map(Object.entries(settings.resolve)),
    allowed: addressSet(settings.allowPrivate),
    lookupTimeoutMs: settings.connectTimeoutMs,
    ...(parent === undefined ? {} : { carried: parent.carried }),
  })
  const dials = connector({
    guard,
    secure,
    connectTimeoutMs: settings.connectTimeoutMs,
    isOwn,
    ...(parent === undefined ? {} : { parent }),
  })
  return {
    guard,
    connector: dials,
    upstream: upstream(dials, settings, Date.now),
    allowClient: addressSet(config.proxy.allowClients),
  }
}

/** TLS of the proxy's own, from the files as they are now; undefined where it is not set. */
function tlsOf({ proxy: { tls, auth } }: Config, log: Log): ServeTls | undefined {
  if (tls === null) return undefined
  return serveTls({
    cert: tls.cert,
    key: tls.key,
    clientCa: auth === 'mtls' ? tls.clientCa : null,
    setting: 'proxy.tls',
    now: Date.now,
    warn: (message) => log.warn({}, message),
  })
}

/** The parent proxy with what it does not carry; its own address is the operator's word. */
function parentOf(
  { upstream: settings }: Config,
  parts: { readonly isOwn: (address: string, port: number) => boolean; readonly secure: Secure },
) {
  if (settings.proxy === null) return undefined
  const excepted = noProxy(settings.noProxy)
  return {
    ...parentProxy({
      ...parts,
      at: parentAddress(settings.proxy),
      guard: addressGuard({
        resolve: new Map(Object.entries(settings.resolve)),
        allowed: () => true,
        lookupTimeoutMs: settings.connectTimeoutMs,
      }),
    }),
    carried: (host: string, port: number): boolean => !excepted(host, port),
  }
}

/** The principal of a request; throws where there is none and there must be one. */
function principalIn(outcome: Outcome): string | null {
  if (outcome.kind === 'known') return outcome.principal
  if (outcome.kind === 'limited')
    throw new SallyportError('too_many_failures', 'too many failed attempts from this address')
  if (outcome.kind === 'uncertified') throw new SallyportError('client_certificate_required', outcome.because)
  throw new SallyportError('proxy_auth_required', 'this proxy wants credentials')
}

/** Whether an address and port are one of our listeners: dialling them would loop. */
function isOwnAddress(own: readonly Address[], address: string, port: number): boolean {
  const dialled = plainAddress(address)
  // To dial the unspecified address is to dial this host.
  const plain = dialled === '0.0.0.0' ? '127.0.0.1' : dialled === '::' ? '::1' : dialled
  return own.some(
    (listener) =>
      listener.port === port &&
      (plainAddress(listener.host) === plain || (isWildcard(listener.host) && isLocal(plain))),
  )
}

function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

function isLocal(address: string): boolean {
  if (isIP(address) === 0) return false
  if (address.startsWith('127.') || address === '::1') return true
  return Object.values(networkInterfaces()).some((some) => some?.some((one) => plainAddress(one.address) === address))
}

function crlUrl(config: Config): { crlUrl?: string } {
  const [first] = config.proxy.listen
  if (first === undefined || first.port === 0) return {}
  const host = isWildcard(first.host) ? '127.0.0.1' : first.host
  return { crlUrl: `http://${host.includes(':') ? `[${host}]` : host}:${first.port}/ca.crl` }
}
