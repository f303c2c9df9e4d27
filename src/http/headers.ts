import type { RawHeaders } from '../core/http.ts'
import { headerOf } from '../core/http.ts'

/**
 * What one hop keeps for itself (RFC 9110, 7.6.1): the connection's own fields and those that Connection names. Fields that
 * frame or address the message are never removed on a sender's word. The rest keeps its order, case and duplicates.
 */
export function endToEnd(headers: RawHeaders): string[] {
  return without(headers, hopByHop)
}

/**
 * What of an origin's fields reaches the client: those that are end-to-end but Alt-Svc, which would lead the client past the proxy to
 * another address or protocol (RFC 7838).
 */
export function toClient(headers: RawHeaders): string[] {
  return without(headers, notForClients)
}

function without(headers: RawHeaders, dropped: ReadonlySet<string>): string[] {
  const options = connectionOptions(headers)
  const named = options.length === 0 ? undefined : new Set(options)
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    if (dropped.has(name) || (named?.has(name) === true && !protectedFields.has(name))) continue
    kept.push(headers[i] as string, headers[i + 1] as string)
  }
  return kept
}

/** The lower-case names in all Connection fields. */
export function connectionOptions(headers: RawHeaders): string[] {
  const options: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string
    if (field.length !== 10 || field.toLowerCase() !== 'connection') continue
    for (const option of (headers[i + 1] as string).split(',')) {
      const name = option.trim().toLowerCase()
      if (name !== '' && name !== 'close' && name !== 'keep-alive') options.push(name)
    }
  }
  return options
}

/** The headers with `name` set to `value` where it stood, or added at the end. */
export function withHeader(headers: RawHeaders, name: string, value: string): string[] {
  const out: string[] = []
  const lower = name.toLowerCase()
  let placed = false
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string
    if (field.toLowerCase() !== lower) out.push(field, headers[i + 1] as string)
    else if (!placed) {
      out.push(field, value)
      placed = true
    }
  }
  if (!placed) out.push(name, value)
  return out
}

/** Trailers but for fields that must not come so late, because they frame, route, authenticate or describe the message (RFC 9110, 6.5.1). */
export function allowedTrailers(trailers: RawHeaders): RawHeaders {
  if (trailers.length === 0) return trailers
  const kept: string[] = []
  for (let i = 0; i < trailers.length; i += 2) {
    const name = (trailers[i] as string).toLowerCase()
    if (!hopByHop.has(name) && !protectedFields.has(name) && !neverTrailers.has(name))
      kept.push(trailers[i] as string, trailers[i + 1] as string)
  }
  return kept
}

/** Every value of a field, in order. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string
    if (field.length === name.length && field.toLowerCase() === name) values.push(headers[i + 1] as string)
  }
  return values
}

/** The media type without parameters, lower case; empty when there is none. */
export function mediaType(headers: RawHeaders): string {
  const value = headerOf(headers, 'content-type') ?? ''
  const semicolon = value.indexOf(';')
  return (semicolon === -1 ? value : value.slice(0, semicolon)).trim().toLowerCase()
}

/** The declared length, or undefined when there is none. The caller has refused differing duplicates before. */
export function contentLength(headers: RawHeaders): number | undefined {
  const value = headerOf(headers, 'content-length')
  return value !== undefined && /^\d{1,15}$/.test(value.trim()) ? Number(value) : undefined
}

/** Whether a request with these fields has a body, be it an empty one (RFC 9112, 6.3). */
export function declaresBody(headers: RawHeaders): boolean {
  return contentLength(headers) !== undefined || headerOf(headers, 'transfer-encoding') !== undefined
}

const hopByHop = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'sallyport-attestation',
  'x-nexus-attestation',
  'sallyport-via',
])

const neverTrailers = new Set([
  'cache-control',
  'content-range',
  'forwarded',
  'max-forwards',
  'range',
  'set-cookie',
  'x-forwarded-for',
])

const notForClients = new Set([...hopByHop, 'alt-svc'])

const protectedFields = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'authorization',
  'cookie',
  'trailer',
  'expect',
  'date',
  'x-api-key',
])
