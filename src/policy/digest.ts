import { createHash } from 'node:crypto'

/** SHA-256 in hex over what the values say: the order of keys and the spelling of the files they came from do not count. */
export function digestOf(values: Iterable<unknown>): string {
  const hash = createHash('sha256')
  for (const value of values) hash.update(canonicalJson(value)).update('\n')
  return hash.digest('hex')
}

/** JSON with sorted keys and no spaces; what JSON has no word for is left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    const record = inner as Record<string, unknown>
    return Object.fromEntries(
      Object.keys(record)
        .sort()
        .map((key) => [key, record[key]]),
    )
  })
}
