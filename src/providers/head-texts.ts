import type { RequestHead } from '../core/http.ts'
import type { TextPart } from '../core/text.ts'
import { plainName } from './encoded.ts'
import { isHarmless } from './harmless.ts'
import { decoded } from './spelling.ts'

/**
 * The texts in the head of a request: segments of the path, values of the query, fields that no standard and no vendor knows. They are
 * sealed: an edit would change what is asked for. What a client shows to be let in (keys, tokens, cookies, signatures) goes to whom it
 * is meant for, and is none of them; nor are addresses of clients in fields that proxies add.
 */
export function headTexts({ target, headers }: RequestHead): readonly TextPart[] {
  const parts: TextPart[] = []
  inPath(parts, target.path)
  if (target.query.length > 1) inQuery(parts, target.query.slice(1))
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string
    if (value.length < shortest || isOrdinary((headers[i] as string).toLowerCase())) continue
    add(parts, value, (headers[i] as string).toLowerCase(), 'header')
  }
  return parts
}

function inPath(parts: TextPart[], path: string): void {
  for (const [index, segment] of path.slice(1).split('/').entries()) {
    // `models/NAME:generateContent`
    const said = segment.replace(method, '')
    if (said.length >= shortest) add(parts, unescaped(said), String(index), 'path')
  }
}

function inQuery(parts: TextPart[], query: string): void {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const name = equals < 0 ? '' : pair.slice(0, equals)
    if (pair.length - name.length <= shortest || credential.test(name)) continue
    add(parts, decoded(pair.slice(equals + 1), ['form']), name, 'query')
  }
}

function add(parts: TextPart[], text: string, name: string, where: string): void {
  if (isHarmless(text, 0, text.length)) return
  const path = where === 'path' ? `path[${name}]` : `${where}.${plainName(name) ? name : '*'}`
  const place = { start: 0, end: text.length, spelling: [] }
  parts.push({ text, place, role: 'unknown', kind: 'other', path, sealed: true, head: true })
}

function isOrdinary(name: string): boolean {
  return ordinary.has(name) || families.test(name) || credential.test(name)
}

function unescaped(segment: string): string {
  return segment.includes('%') ? decoded(segment.replaceAll('+', '%2B'), ['form']) : segment
}

// What lets in: names that end so, and signed URLs of clouds.
const credential =
  /(?:^|[-_.])(?:api[-_]?key|key|keys|token|secret|auth|authorization|password|credential|credentials|signature|sig|cookie|session|csrf|nonce|jwt|assertion|code)$|^(?:access_?token|id_?token|apikey|x-amz-.*|x-goog-.*|x-ms-.*|sv|se|sp|sr|st|cookie2?)$/i
const families =
  /^(?:accept|content|sec|if|access-control|x-stainless|x-forwarded|x-amz|x-goog|x-ms|anthropic|openai|x-real|x-client|x-request|x-correlation|x-b3|cf|sallyport|proxy)(?:-|$)/
const ordinary: ReadonlySet<string> = new Set(
  (
    'host connection keep-alive te trailer transfer-encoding upgrade upgrade-insecure-requests via date expect range user-agent pragma ' +
    'cache-control origin traceparent tracestate baggage sentry-trace forwarded priority dnt idempotency-key idempotency_key http2-settings ' +
    'x-requested-with x-app x-title x-nexus-attestation grpc-timeout grpc-encoding grpc-accept-encoding early-data max-forwards from'
  ).split(' '),
)
const method = /:[a-z]{1,16}(?:[A-Z][a-z]{2,16}){0,4}$/
const shortest = 6
