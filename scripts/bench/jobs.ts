import type { Signing } from './attest-fields.ts'

/** Where the load client connects, and as whom it knows the other side. */
export type Route = {
  /** The proxy's port; null connects to the origin itself. */
  readonly proxyPort: number | null
  /** Port in CONNECT; without a proxy, the port of the origin. */
  readonly targetPort: number
  /** PEM of the authority behind the certificates that the client will see. */
  readonly ca: string
}

export type LoadJob = Route & {
  readonly kind: 'load'
  readonly host: string
  readonly connections: number
  readonly requestBytes: number
  readonly answer: 'json' | 'burst'
  readonly ms: number
}

/** One exchange on a new connection to each host, one after the other. */
export type FreshJob = Route & { readonly kind: 'fresh'; readonly hosts: readonly string[] }

/** Streams whose events carry the time at which they left the origin. */
export type StreamJob = Route & { readonly kind: 'stream'; readonly host: string; readonly streams: number }

/** Opens connections, each with one exchange, and keeps them: idle, or as streams of an event per second. */
export type HoldJob = Route & {
  readonly kind: 'hold'
  readonly host: string
  readonly connections: number
  readonly answer: 'json' | 'slow'
}

/** Notes for a while when the events of what is held come. */
export type WatchJob = { readonly kind: 'watch'; readonly ms: number }

export type ReleaseJob = { readonly kind: 'release' }

/** Megabytes through plain TCP: they are the exchanges that are counted. */
export type BytesJob = Route & {
  readonly kind: 'bytes'
  readonly host: string
  readonly streams: number
  readonly way: 'up' | 'down'
  readonly megabytes: number
}

/** Full TLS handshakes, each on a connection of its own. */
export type HandshakesJob = Route & {
  readonly kind: 'handshakes'
  readonly host: string
  readonly concurrency: number
  readonly ms: number
}

/** CONNECTs, each on a connection of its own that ends with the answer. */
export type ConnectsJob = Route & {
  readonly kind: 'connects'
  readonly host: string
  readonly concurrency: number
  /** As many as there is time for; or so many a second, whether or not the last ones are answered. */
  readonly perSecond: number | null
  readonly ms: number
  readonly attestation: 'none' | 'good' | 'bad'
  readonly signing: Signing
}

/** Exchanges on connections that stay open, with a pause after each: what others feel. */
export type PacedJob = Route & {
  readonly kind: 'paced'
  readonly host: string
  readonly connections: number
  readonly everyMs: number
  readonly ms: number
}

/** For the child that only verifies: good attestations beside so many bad ones, from so many addresses. */
export type VerifyJob = {
  readonly kind: 'verify'
  readonly badPerSecond: number
  readonly addresses: number
  readonly ms: number
  readonly signing: Signing
}

export type Job =
  | LoadJob
  | FreshJob
  | StreamJob
  | HoldJob
  | WatchJob
  | ReleaseJob
  | BytesJob
  | HandshakesJob
  | ConnectsJob
  | PacedJob

/** Times in milliseconds. `exchanges` were answered with 200; others are `failures`. */
export type JobResult = {
  readonly exchanges: number
  readonly failures: number
  readonly ms: number
  readonly p50: number
  readonly p99: number
}

/** Events of one streamed answer, and the pause between two of them when it is paced. */
export const streamEvents = 500
export const paceMs = 2
