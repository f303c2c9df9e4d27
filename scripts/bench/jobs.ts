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

export type Job = LoadJob | FreshJob | StreamJob

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
