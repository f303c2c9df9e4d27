import { constants } from 'node:http2'
import type { Http2Stream } from 'node:http2'
import type { RawHeaders } from '../core/http.ts'
import { endToEnd } from './headers.ts'

/** Fields as Node's HTTP/2 takes them: lower case, duplicates as lists. */
export function grouped(headers: RawHeaders): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    const before = out[name]
    if (before === undefined) out[name] = value
    else if (Array.isArray(before)) before.push(value)
    else out[name] = [before, value]
  }
  return out
}

/**
 * Ends a stream that waits for its trailers; without any, with an empty DATA frame. What HTTP/2 cannot carry resets it: this is called out
 * of an event, where an exception would end the process.
 */
export function endWithTrailers(stream: Http2Stream, trailers: RawHeaders): void {
  try {
    stream.sendTrailers(grouped(endToEnd(trailers)))
  } catch {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }
}

/** The fields of a section as Node's HTTP/2 gives it, without the pseudo-header fields. */
export function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (!(raw[i] as string).startsWith(':')) fields.push(raw[i] as string, raw[i + 1] as string)
  }
  return fields
}
