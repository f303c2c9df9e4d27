/** Why a connection failed, in words that have nothing of what was sent in them: a code of the system, of OpenSSL, or a class. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'unknown'
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return reasonOf(thrown.errors[0])
  const code: unknown = 'code' in thrown ? thrown.code : undefined
  if (typeof code !== 'string') return thrown.name
  const said = meanings[code]
  return said === undefined ? code : `${code}: ${said}`
}

const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the receiver closed the connection',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the resolver does not answer',
  ETIMEDOUT: 'no answer',
  EPIPE: 'the receiver closed the connection',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; name its authority in `ca`',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not trusted; name it in `ca`',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not trusted; name it in `ca`',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not trusted; name it in `ca`',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ENOSPC: 'the disk is full',
  EACCES: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'the folder does not exist',
}
