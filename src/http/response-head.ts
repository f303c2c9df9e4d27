import { SallyportError } from '../core/errors.ts'
import { withoutHeaders } from '../core/http.ts'
import type { AnswerHead, HttpVersion, RawHeaders } from '../core/http.ts'

/** How the end of an answer's body is found (RFC 9112, 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

export type ResponseHead = {
  /** Equal duplicates of Content-Length are one field here, and none where there can be no content (RFC 9110, 8.6); all else is as it came. */
  readonly head: AnswerHead
  readonly framing: Framing
  /** Whether the connection may carry another exchange after this one. */
  readonly persistent: boolean
  /** How long the origin says that it keeps an idle connection. */
  readonly keepAliveMs: number | undefined
}

/**
 * A status line with its field lines, each ending in CRLF, as latin1; without the empty line. Throws `upstream_invalid` for
 * whatever two parsers could read differently.
 */
export function readResponseHead(text: string, method: string): ResponseHead {
  if (controls.test(text)) throw invalidAnswer('a control character in the head')
  const line = lineEnd(text, 0)
  const status = statusOf(text, line)
  const version: HttpVersion = text.charCodeAt(7) === one ? '1.1' : '1.0'
  const headers = fieldLines(text, line + 2)
  const transport = transportOf(headers)
  const { framing, persistent } = framed(transport, status, version, method)
  return {
    head: {
      status,
      reason: text.slice(13, line),
      headers: withRightLength(headers, status, transport),
      version,
    },
    framing,
    persistent,
    keepAliveMs: transport.keepAlive === undefined ? undefined : keepAliveMs(transport.keepAlive),
  }
}

/** The trailer fields of a chunked body; framing fields among them are refused (RFC 9110, 6.5.1). */
export function readTrailers(text: string, from: number): string[] {
  if (controls.test(text)) throw invalidAnswer('a control character in the trailers')
  const trailers = fieldLines(text, from)
  const { length, coding } = transportOf(trailers)
  if (length !== undefined || coding !== undefined) throw invalidAnswer('a trailer that frames the message')
  return trailers
}

/** The fault of an origin whose answer breaks HTTP. */
export function invalidAnswer(reason: string): SallyportError {
  return new SallyportError('upstream_invalid', `the origin's answer breaks HTTP: ${reason}`)
}

function statusOf(text: string, line: number): number {
  const minor = text.charCodeAt(7)
  if (!text.startsWith('HTTP/1.') || (minor !== one && minor !== zero) || text.charCodeAt(8) !== space) {
    throw invalidAnswer('no status line of HTTP/1.1')
  }
  const [a, b, c] = [digit(text, 9), digit(text, 10), digit(text, 11)]
  // A server may leave out the space before an empty reason.
  const closed = line === 12 || (line > 12 && text.charCodeAt(12) === space)
  if (a < 1 || a > 9 || b > 9 || c > 9 || b < 0 || c < 0 || !closed) throw invalidAnswer('a malformed status')
  return a * 100 + b * 10 + c
}

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - zero
}

function fieldLines(text: string, from: number): string[] {
  const fields: string[] = []
  let at = from
  while (at < text.length) {
    const end = lineEnd(text, at)
    let colon = at
    while (colon < end && tokens[text.charCodeAt(colon)] === 1) colon += 1
    if (colon === at || text.charCodeAt(colon) !== 58) throw invalidAnswer(faultyLine(text.charCodeAt(at)))
    let start = colon + 1
    let stop = end
    while (start < stop && isBlank(text.charCodeAt(start))) start += 1
    while (stop > start && isBlank(text.charCodeAt(stop - 1))) stop -= 1
    fields.push(text.slice(at, colon), text.slice(start, stop))
    at = end + 2
  }
  return fields
}

function faultyLine(first: number): string {
  return isBlank(first) ? 'a folded field line' : 'a malformed field name'
}

/** Where the line's CRLF stands. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\r', at)
  if (end === -1 || text.charCodeAt(end + 1) !== 10 || text.indexOf('\n', at) !== end + 1) {
    throw invalidAnswer('a line that does not end in CRLF')
  }
  return end
}

type Transport = {
  length: string | undefined
  repeated: boolean
  coding: string | undefined
  close: boolean
  keepOpen: boolean
  keepAlive: string | undefined
}

function transportOf(headers: RawHeaders): Transport {
  const found: Transport = {
    length: undefined,
    repeated: false,
    coding: undefined,
    close: false,
    keepOpen: false,
    keepAlive: undefined,
  }
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    // The names that matter here have these lengths: the others are not worth a conversion.
    if (name.length !== 10 && name.length !== 14 && name.length !== 17) continue
    const value = headers[i + 1] as string
    const lower = name.toLowerCase()
    if (lower === 'content-length') addLength(found, value)
    else if (lower === 'transfer-encoding')
      found.coding = found.coding === undefined ? value : `${found.coding}, ${value}`
    else if (lower === 'connection') addOptions(found, value)
    else if (lower === 'keep-alive') found.keepAlive = value
  }
  return found
}

function addLength(found: Transport, value: string): void {
  for (const one of value.includes(',') ? value.split(',').map((part) => part.trim()) : [value]) {
    if (!/^\d{1,15}$/.test(one)) throw invalidAnswer('Content-Length is not a number')
    if (found.length !== undefined && found.length !== one) throw invalidAnswer('Content-Length has two values')
    found.repeated = found.length !== undefined
    found.length = one
  }
}

function addOptions(found: Transport, value: string): void {
  const options = value.toLowerCase()
  if (options === 'keep-alive') found.keepOpen = true
  else if (options === 'close') found.close = true
  else {
    const listed = options.split(',').map((option) => option.trim())
    found.close ||= listed.includes('close')
    found.keepOpen ||= listed.includes('keep-alive')
  }
}

function framed(
  found: Transport,
  status: number,
  version: HttpVersion,
  method: string,
): { framing: Framing; persistent: boolean } {
  const persistent = !found.close && (version === '1.1' || found.keepOpen)
  if (found.coding !== undefined) {
    if (found.length !== undefined) throw invalidAnswer('Transfer-Encoding with Content-Length')
    if (found.coding.toLowerCase() !== 'chunked') throw invalidAnswer('Transfer-Encoding other than chunked')
    if (version === '1.0') throw invalidAnswer('Transfer-Encoding in HTTP/1.0')
  }
  if (method === 'HEAD' || status === 304) return { framing: none, persistent }
  // Some origins declare a body here and some send it: what follows would be read as the next answer.
  if (status < 200 || status === 204) {
    return { framing: none, persistent: persistent && found.coding === undefined && (found.length ?? '0') === '0' }
  }
  if (found.coding !== undefined) return { framing: chunked, persistent }
  if (found.length !== undefined) return { framing: { kind: 'length', length: Number(found.length) }, persistent }
  return { framing: untilClose, persistent: false }
}

/** What has no content by its status has no length either (RFC 9110, 8.6): a reader might wait for it. */
function withRightLength(headers: string[], status: number, { length, repeated }: Transport): string[] {
  if (length === undefined) return headers
  if (status < 200 || status === 204) return withoutHeaders(headers, contentLength)
  return repeated ? withOneLength(headers, length) : headers
}

function withOneLength(headers: RawHeaders, length: string): string[] {
  const kept: string[] = []
  let seen = false
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (name.toLowerCase() !== 'content-length') kept.push(name, headers[i + 1] as string)
    else if (!seen) {
      kept.push(name, length)
      seen = true
    }
  }
  return kept
}

function keepAliveMs(value: string): number | undefined {
  const timeout = /(?:^|[,;\s])timeout=(\d{1,6})(?:$|[,;\s])/i.exec(value)?.[1]
  return timeout === undefined ? undefined : Number(timeout) * 1_000
}

function isBlank(code: number): boolean {
  return code === space || code === 9
}

const contentLength = new Set(['content-length'])
const space = 32
const zero = 48
const one = 49
const controls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/
const none: Framing = { kind: 'none' }
const chunked: Framing = { kind: 'chunked' }
const untilClose: Framing = { kind: 'close' }

// RFC 9110, 5.6.2.
const tokens = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  tokens[char.charCodeAt(0)] = 1
