import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'

export type Interception =
  | {
      readonly kind: 'secure'
      readonly socket: TLSSocket
      /** What was agreed on, undefined when the client offered none: then it speaks HTTP/1.1. */
      readonly alpn: string | undefined
      readonly version: string
      readonly resumed: boolean
    }
  | HandshakeFailure

export type HandshakeFailure = {
  readonly kind: 'failed'
  /**
   * rejected-leaf: the client said by an alert that it does not accept our certificate; alert: it gave up for another reason;
   * version, no-protocol, no-cipher: nothing in common; closed, reset: it went away without a word; protocol: it broke TLS.
   */
  readonly cause:
    | 'rejected-leaf'
    | 'alert'
    | 'version'
    | 'no-protocol'
    | 'no-cipher'
    | 'closed'
    | 'reset'
    | 'timeout'
    | 'protocol'
  /** The client's alert by its name in RFC 8446, 6, where it sent one. */
  readonly alert: string | undefined
  /** The error's code, for the log. */
  readonly code: string
}

export type InterceptOptions = {
  readonly context: SecureContext
  /** In our order of preference. */
  readonly alpn: readonly string[]
  readonly timeoutMs: number
  /** Asks the client for a certificate; it is connected without one, too (`clientCertificate`). */
  readonly requestCert?: boolean
}

/**
 * Terminates TLS on an accepted socket whose peeked bytes were put back with `unshift`. Never rejects. A failed socket is
 * destroyed once its own alert is out. A TLS 1.3 client may refuse the leaf only after `secure`: `rejectedLeafAlert` tells from the
 * socket's first error.
 */
export function intercept(
  socket: Socket,
  { context, alpn, timeoutMs, requestCert = false }: InterceptOptions,
): Promise<Interception> {
  // The client may have gone while its leaf was made; the events that say so are then past.
  if (socket.destroyed) return Promise.resolve(failure('closed', undefined, 'ECONNRESET'))
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: [...alpn],
    requestCert,
    rejectUnauthorized: false,
  })
  return new Promise((resolve) => {
    const settle = (outcome: Interception): void => {
      clearTimeout(timer)
      secured.off('secure', onSecure).off('close', onClose)
      socket.off('close', onClose)
      if (outcome.kind === 'failed') destroyAfterAlert(secured, socket)
      resolve(outcome)
    }
    const onSecure = (): void => settle(securedOutcome(secured))
    const onClose = (): void => settle(failure('closed', undefined, 'ECONNRESET'))
    const timer = setTimeout(() => settle(failure('timeout', undefined, 'ETIMEDOUT')), timeoutMs)
    // This listener stays: an error between here and the owner's own listener must not end the process.
    secured.on('error', (error) => settle(failureOf(error)))
    socket.on('error', () => undefined)
    secured.once('secure', onSecure).once('close', onClose)
    socket.once('close', onClose)
  })
}

/** The alert by which a client refuses our certificate, from an error of its socket; undefined when it is no such error. */
export function rejectedLeafAlert(error: unknown): string | undefined {
  const alert = alertOf(error)
  return alert !== undefined && LEAF_ALERTS.has(alert) ? alert : undefined
}

function securedOutcome(socket: TLSSocket): Interception {
  const alpn = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined
  // A TLSSocket without a tls.Server leaves this true, and HTTP/2 then waits for ever.
  Object.assign(socket, { secureConnecting: false })
  return { kind: 'secure', socket, alpn, version: socket.getProtocol() ?? '', resumed: socket.isSessionReused() }
}

function failureOf(error: Error): HandshakeFailure {
  const code = 'code' in error ? String(error.code) : error.name
  const alert = alertOf(error)
  if (alert !== undefined) return failure(LEAF_ALERTS.has(alert) ? 'rejected-leaf' : 'alert', alert, code)
  if (code === 'ECONNRESET' || code === 'EPIPE') return failure('reset', undefined, code)
  return failure(LOCAL_CAUSES.get(code) ?? 'protocol', undefined, code)
}

function failure(cause: HandshakeFailure['cause'], alert: string | undefined, code: string): HandshakeFailure {
  return { kind: 'failed', cause, alert, code }
}

/** OpenSSL names alerts it received `tlsv1 alert unknown ca`, `ssl/tls alert bad certificate`, by version and release. */
function alertOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return /^ERR_SSL_.*ALERT_([A-Z_]+)$/.exec(String(error.code))?.[1]?.toLowerCase()
}

function destroyAfterAlert(secured: TLSSocket, socket: Socket): void {
  secured.destroy()
  if (!socket.destroyed) socket.destroySoon()
}

// RFC 8446, 6.2: what clients answer to a certificate they do not want. certificate_required and access_denied are not among them.
const LEAF_ALERTS: ReadonlySet<string> = new Set([
  'bad_certificate',
  'unsupported_certificate',
  'certificate_revoked',
  'certificate_expired',
  'certificate_unknown',
  'unknown_ca',
  'bad_certificate_status_response',
  'bad_certificate_hash_value',
])

const LOCAL_CAUSES: ReadonlyMap<string, HandshakeFailure['cause']> = new Map([
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'version'],
  ['ERR_SSL_VERSION_TOO_LOW', 'version'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'version'],
  ['ERR_SSL_NO_APPLICATION_PROTOCOL', 'no-protocol'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'no-cipher'],
  ['ERR_SSL_NO_SUITABLE_KEY_SHARE', 'no-cipher'],
  ['ERR_SSL_NO_SHARED_GROUP', 'no-cipher'],
])
