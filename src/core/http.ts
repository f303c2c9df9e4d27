/** Header fields as they came, flat: name, value, name, value. Order, case and duplicates are kept. Values are latin1. */
export type RawHeaders = readonly string[]

/** Where a request is addressed. */
export type Target = {
  readonly scheme: 'http' | 'https'
  /** Lower case, no brackets round an IPv6 address, no trailing dot. */
  readonly host: string
  readonly port: number
  /** The path without the query, as it came. */
  readonly path: string
  /** The query with its question mark, or empty. */
  readonly query: string
}

export type HttpVersion = '1.0' | '1.1' | '2'

export type RequestHead = {
  readonly method: string
  readonly target: Target
  readonly headers: RawHeaders
  readonly version: HttpVersion
}

export type AnswerHead = {
  readonly status: number
  readonly reason: string
  readonly headers: RawHeaders
  readonly version: HttpVersion
}

/**
 * A message body in motion. Iterating pulls: nothing is read ahead of the consumer beyond the socket's own buffer.
 * It is iterated once. `length` is what framing declares, undefined when unknown. `trailers` are complete after the last chunk.
 */
export type Body = AsyncIterable<Uint8Array> & {
  readonly length: number | undefined
  readonly trailers: () => RawHeaders
}

/** A request or answer as an engine sees it. A null body is none at all, which on the wire differs from an empty one. */
export type Request = { readonly head: RequestHead; readonly body: Body | null }
export type Answer = { readonly head: AnswerHead; readonly body: Body | null }

/** The first value of a header field, or undefined; `name` in lower case. */
export function headerOf(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string
    if (field.length === name.length && field.toLowerCase() === name) return headers[i + 1]
  }
  return undefined
}

/** The headers without the named fields; names in lower case. */
export function withoutHeaders(headers: RawHeaders, names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string
    if (!names.has(field.toLowerCase())) kept.push(field, headers[i + 1] as string)
  }
  return kept
}
