import { SallyportError } from '../core/errors.ts'

/** Why TLS with a host failed, with the certificate's fault or the alert by its name (RFC 8446, 6). */
export function tlsFault(host: string, cause: Error): SallyportError {
  const code = codeOf(cause)
  if (certificateFaults.test(code)) {
    const words = reasons.get(code)
    const why = words === undefined ? code : `${words} (${code})`
    return new SallyportError('upstream_certificate_invalid', `the certificate of ${host} is not accepted: ${why}`, {
      cause,
    })
  }
  return new SallyportError('upstream_tls_failed', `no TLS with ${host}: ${tlsReason(cause) ?? code}`, { cause })
}

/** Whether a handshake failed because the other side speaks none of the protocols that were offered (RFC 7301, 3.2). */
export function hasNoProtocol(error: unknown): boolean {
  return (
    error instanceof SallyportError &&
    error.code === 'upstream_tls_failed' &&
    /no[ _]application[ _]protocol/i.test(error.message)
  )
}

/** What OpenSSL says was wrong, in words; undefined when it was not TLS that failed. */
export function tlsReason(error: Error): string | undefined {
  const alert = alertOf(error)
  if (alert !== undefined) return `alert ${alert}`
  // Node's words for an end of the connection; its code is that of a reset.
  if (error.message.includes('disconnected before secure')) return 'closed during the handshake'
  return reasons.get(codeOf(error))
}

/** The alert that the other side sent. */
function alertOf(error: Error): string | undefined {
  const number = /SSL alert number (\d+)/.exec(error.message)?.[1]
  if (number !== undefined) return alerts[Number(number)] ?? number
  return /^ERR_SSL_.*ALERT_([A-Z_]+)$/.exec(codeOf(error))?.[1]?.toLowerCase().replaceAll('_', ' ')
}

/** The system's code of an error, or its message without addresses and paths. */
export function codeOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0])
  return (error as NodeJS.ErrnoException).code ?? error.message
}

const certificateFaults =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH|ERROR_IN_CERT|CRL_)/

const reasons: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'it has expired'],
  ['CERT_NOT_YET_VALID', 'it is not valid yet'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'it is for another name'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'it is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its root is not trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its issuer is not known'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its issuer is not known'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its issuer is not known'],
  ['INVALID_PURPOSE', 'it is not for servers'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'what answers does not speak TLS'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'what answers does not speak TLS'],
  ['ERR_SSL_HTTP_REQUEST', 'what answers does not speak TLS'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'no TLS version in common'],
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was reset'],
])

const alerts: Readonly<Record<number, string>> = {
  0: 'close notify',
  10: 'unexpected message',
  20: 'bad record mac',
  21: 'decryption failed',
  22: 'record overflow',
  30: 'decompression failure',
  40: 'handshake failure',
  41: 'no certificate',
  42: 'bad certificate',
  43: 'unsupported certificate',
  44: 'certificate revoked',
  45: 'certificate expired',
  46: 'certificate unknown',
  47: 'illegal parameter',
  48: 'unknown ca',
  49: 'access denied',
  50: 'decode error',
  51: 'decrypt error',
  70: 'protocol version',
  71: 'insufficient security',
  80: 'internal error',
  86: 'inappropriate fallback',
  90: 'user canceled',
  100: 'no renegotiation',
  109: 'missing extension',
  110: 'unsupported extension',
  111: 'certificate unobtainable',
  112: 'unrecognized name',
  113: 'bad certificate status response',
  114: 'bad certificate hash value',
  115: 'unknown psk identity',
  116: 'certificate required',
  120: 'no application protocol',
}
