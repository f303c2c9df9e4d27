import { SallyportError, type ErrorCode } from '../core/errors.ts'
import { tlsReason } from './tls-fault.ts'

/** What went wrong upstream, in our codes. */
export function upstreamFault(error: Error): SallyportError {
  if (error instanceof SallyportError) return error
  if (error.cause instanceof SallyportError) return error.cause
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (code.startsWith('ERR_SSL_')) return tlsBroken(error, code)
  const known = faults.find(([pattern]) => pattern.test(code))
  const ours: ErrorCode = known?.[1] ?? 'upstream_closed'
  return new SallyportError(ours, known?.[2] ?? `the origin failed: ${code === '' ? error.message : code}`, {
    cause: error,
  })
}

export function clientAborted(): SallyportError {
  return new SallyportError('client_aborted', 'the client went away')
}

export function tooLate(): SallyportError {
  return new SallyportError('upstream_timeout', originTooLate)
}

/** After the handshake, as a server of TLS 1.3 does that misses a client certificate (RFC 8446, 4.4.2.4). */
function tlsBroken(error: Error, code: string): SallyportError {
  return new SallyportError('upstream_tls_failed', `TLS with the origin failed: ${tlsReason(error) ?? code}`, {
    cause: error,
  })
}

const originTooLate = 'the origin took too long'
const faults: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/^ETIMEDOUT$/, 'upstream_timeout', originTooLate],
  [/^ECONNREFUSED$|^EHOSTUNREACH$|^ENETUNREACH$/, 'upstream_unreachable', 'the origin cannot be reached'],
  [/^ECONNRESET$|^EPIPE$/, 'upstream_closed', 'the origin closed the connection'],
  [/^ERR_HTTP2_/, 'upstream_closed', 'the origin reset the stream'],
]
