import type { Terms, Verifier } from '../attest/verify.ts'
import type { RawHeaders } from '../core/http.ts'
import type { Rooms } from '../engine/exchange.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Handling } from '../policy/intercept.ts'
import type { Authority as Ca } from '../tls/authority.ts'
import type { ClientCertificate } from '../tls/client-certificate.ts'
import type { LeafCache } from '../tls/leaf-cache.ts'
import type { Rejections } from '../tls/rejections.ts'
import type { ServeTls } from '../tls/serve-tls.ts'
import type { Connector } from '../upstream/connect.ts'
import type { Guard } from '../upstream/guard.ts'
import type { Upstream } from '../upstream/send.ts'
import type { Attribution } from './process/attribution.ts'
import type { SelfPages } from './self.ts'
import type { Authority } from './target.ts'

/** What the proxy door is built from. */
export type ProxyParts = {
  readonly rooms: Rooms
  readonly metrics: Metrics
  readonly log: Rooms['log']
  readonly authority: () => Ca
  readonly leaves: LeafCache
  readonly rejections: Rejections
  readonly guard: Guard
  readonly connector: Connector
  readonly upstream: Upstream
  readonly pages: SelfPages
  /** The principal behind a request; throws proxy_auth_required, client_certificate_required or too_many_failures. */
  readonly identify: (headers: RawHeaders, clientIp: string, certificate?: ClientCertificate) => string | null
  /** TLS to the proxy itself; undefined where it is not spoken. */
  readonly tls?: ServeTls | undefined
  /** Undefined where none is ever accepted. */
  readonly attestation?: Attestations | undefined
  /** Which programs of this machine its clients are. */
  readonly attribution: Attribution
  readonly isSelf: (authority: Authority) => boolean
  /** Our id among proxies, the same in all processes of a data folder. */
  readonly hop?: string | undefined
  readonly allowClient: (address: string) => boolean
  readonly maxConnections: number
  /** How many connections the doors of this process have now. */
  readonly connections: { open: number }
  readonly headerBytes: number
  readonly handshakeTimeoutMs: number
  /** How long a client may take nothing of what waits for it. */
  readonly writeStallMs: number
}

/** What the door needs to accept attestations. */
export type Attestations = {
  /** What an attestation must fit for a host that is handled like that; undefined where none is accepted. */
  readonly terms: (handling: Handling) => Terms | undefined
  /** Whether requests inside inspected connections may carry one, for any host at all. */
  readonly inside: () => boolean
  readonly verifier: Verifier
}
