import { SallyportError, type ErrorCode } from '../core/errors.ts'

/** What went wrong upstream, in our codes. */
export function upstreamFault(error: Error): SallyportError {
  if (error instanceof SallyportError) return error
  if (error.cause instanceof SallyportError) return error.cause
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const known = faults.find(([pattern]) => pattern.test(code))
  const ours: ErrorCode = known?.[1] ?? 'upstream_closed'
  return new SallyportError(ours, known?.[2] ?? `the origin failed: ${code === '' ? error.message : code}`, { cause: error })
}

const faults: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/^UND_ERR_(HEADERS|BODY)_TIMEOUT$|^ETIMEDOUT$/, 'upstream_timeout', 'the origin took too long'],
  [/^UND_ERR_CONNECT_TIMEOUT$/, 'upstream_timeout', 'no connection in time'],
  [/^UND_ERR_HEADERS_OVERFLOW$|^HPE_/, 'upstream_invalid', "the origin's answer breaks HTTP"],
  [/^ECONNREFUSED$|^EHOSTUNREACH$|^ENETUNREACH$/, 'upstream_unreachable', 'the origin cannot be reached'],
  [/^UND_ERR_SOCKET$|^ECONNRESET$|^EPIPE$|^UND_ERR_RES_CONTENT_LENGTH_MISMATCH$/, 'upstream_closed', 'the origin closed the connection'],
  [/^ERR_HTTP2_/, 'upstream_closed', 'the origin reset the stream'],
]
