/** Why a delivery failed, as metrics have it. */
export type FailureClass = 'unreachable' | 'tls' | 'timeout' | 'receiver' | 'ledger' | 'fault'

export type Failure = { readonly class: FailureClass; readonly reason: string }

/** What a thrown thing says to people and metrics. The message of a `SinkError` has no secrets in it; what else is thrown is a fault of this program or of SQLite. */
export function failureOf(thrown: unknown): Failure {
  const code = codeOf(thrown)
  const reason = thrown instanceof Error ? thrown.message : 'failed'
  const known = classes.find(({ fits }) => fits.test(code || reason))
  return { class: known?.name ?? (isFromSink(thrown) ? 'receiver' : 'fault'), reason }
}

/** The code of the error or of what caused it. */
function codeOf(thrown: unknown): string {
  for (let at = thrown, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at.name === 'TimeoutError') return 'ETIMEDOUT'
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return ''
}

const isFromSink = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'SinkError'

const classes: readonly { readonly name: FailureClass; readonly fits: RegExp }[] = [
  { name: 'timeout', fits: /TIMEDOUT|TIMEOUT|did not answer within/ },
  { name: 'tls', fits: /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH/ },
  { name: 'ledger', fits: /^SQLITE_|^ledger_/ },
  {
    name: 'unreachable',
    fits: /^E(?:CONN|HOST|NET|AI_|NOTFOUND|PIPE|ADDR|ACCES|NOENT|NOSPC|PERM|ROFS|IO|DQUOT)|^UND_ERR_SOCKET/,
  },
]
