import type { RawHeaders } from '../core/http.ts'
import type { Rooms } from '../engine/exchange.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Authority as Ca } from '../tls/authority.ts'
import type { ClientCertificate } from '../tls/client-certificate.ts'
import type { LeafCache } from '../tls/leaf-cache.ts'
import type { Rejections } from '../tls/rejections.ts'
import type { ServeTls } from '../tls/serve-tls.ts'
import type { Connector } from '../upstream/connect.ts'
import type { Guard } from '../upstream/guard.ts'
import type { Upstream } from '../upstream/send.ts'
import type { Attestations } from './attested.ts'
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
  readonly isSelf: (authority: Authority) => boolean
  readonly allowClient: (address: string) => boolean
  readonly maxConnections: number
  /** How many connections the doors of this process have now. */
  readonly connections: { open: number }
  readonly headerBytes: number
  readonly handshakeTimeoutMs: number
  /** How long a client may take nothing of what waits for it. */
  readonly writeStallMs: number
}
