import type { Socket } from 'node:net'
import { asSallyportError, SallyportError } from '../core/errors.ts'
import type { Config } from '../config/schema.ts'
import type { Rooms } from '../engine/exchange.ts'
import { addressSet } from '../lib/ip.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { authenticator } from '../proxy/authenticate.ts'
import type { Outcome } from '../proxy/authenticate.ts'
import type { ProxyParts } from '../proxy/parts.ts'
import { attribution } from '../proxy/process/attribution.ts'
import { PROGRAMS_VARIABLE, socketFinder, threadFinder } from '../proxy/process/finder.ts'
import type { Authority } from '../tls/authority.ts'
import { leafCache } from '../tls/leaf-cache.ts'
import { emptyCrl } from '../tls/mint.ts'
import { serveTls } from '../tls/serve-tls.ts'
import type { ServeTls } from '../tls/serve-tls.ts'
import { rejections } from '../tls/rejections.ts'
import type { Address } from './listen.ts'
import { isOwnAddress, isWildcard } from './own.ts'
import type { Principals } from './principals.ts'
import { recordedStamps } from './signing.ts'
import { wayOut } from './upstream.ts'

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
  /** Our id among proxies. */
  readonly hop?: string
  /** Where attestations are accepted. */
  readonly attestation?: ProxyParts['attestation']
  /** Told of each TCP connection to an origin or a parent proxy. */
  readonly opened?: ((socket: Socket) => void) | undefined
}): {
  readonly parts: ProxyParts
  /** From now on this many connections, of the limit that all processes have together. */
  readonly share: (connections: number) => void
  readonly reload: () => void
  /** Another policy set is in force. */
  readonly policyChanged: () => void
  readonly close: () => Promise<void>
} {
  const { config, own, rooms, metrics, log, authority } = options
  const stamps = recordedStamps(rooms)
  const out = {
    isOwn: (address: string, port: number) => isOwnAddress(own(), address, port),
    log,
    policy: () => rooms.policy().digest,
    stamp: stamps.make,
    hop: options.hop,
    ...(options.opened === undefined ? {} : { opened: options.opened }),
  }
  let live = wayOut(config(), out)
  let allowClient = addressSet(config().proxy.allowClients)
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
  const service = process.env[PROGRAMS_VARIABLE]
  const programs = attribution({
    platform: process.platform,
    now: () => performance.now(),
    finder: service === undefined ? threadFinder() : socketFinder(service),
  })
  let shared: number | undefined
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
    attestation: options.attestation,
    attribution: programs,
    get tls() {
      return tls
    },
    hop: options.hop,
    isSelf: ({ host, port }) => isOwnAddress(own(), host === 'localhost' ? '127.0.0.1' : host, port),
    allowClient: (address) => allowClient(address),
    get maxConnections() {
      return shared ?? Math.max(1, Math.floor(config().limits.connections / options.processes))
    },
    connections: { open: 0 },
    headerBytes: config().limits.headerBytes,
    handshakeTimeoutMs: 10_000,
    writeStallMs: config().upstream.idleTimeoutMs,
  }
  return {
    parts,
    share: (connections) => (shared = connections),
    reload() {
      const before = live
      // Whatever else cannot be used: who may not come any more does not.
      allowClient = addressSet(config().proxy.allowClients)
      try {
        live = wayOut(config(), out)
      } catch (thrown) {
        const { code, message } = asSallyportError(thrown)
        log.error({ code, problems: message }, 'upstream and attestation.sign not reloaded: the old ones stay')
      }
      try {
        tls = tlsOf(config(), log)
      } catch (thrown) {
        const error = asSallyportError(thrown)
        log.error(
          { code: error.code, problems: error.message },
          'TLS of the proxy not reloaded: the old stays in force',
        )
      }
      if (live !== before) before.upstream.retire()
    },
    policyChanged: () => live.policyChanged(),
    async close() {
      programs.close()
      await live.upstream.close()
      stamps.flush()
    },
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

/** The principal of a request; throws where there is none and there must be one. */
function principalIn(outcome: Outcome): string | null {
  if (outcome.kind === 'known') return outcome.principal
  if (outcome.kind === 'limited')
    throw new SallyportError('too_many_failures', 'too many failed attempts from this address')
  if (outcome.kind === 'uncertified') throw new SallyportError('client_certificate_required', outcome.because)
  throw new SallyportError('proxy_auth_required', 'this proxy wants credentials')
}

function crlUrl(config: Config): { crlUrl?: string } {
  const [first] = config.proxy.listen
  if (first === undefined || first.port === 0) return {}
  const host = isWildcard(first.host) ? '127.0.0.1' : first.host
  return { crlUrl: `http://${host.includes(':') ? `[${host}]` : host}:${first.port}/ca.crl` }
}
