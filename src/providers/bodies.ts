import type { Media, TextPart } from '../core/text.ts'
import { isBinary, plainName } from './encoded.ts'
import { isHarmless } from './harmless.ts'
import { scanJson } from './json-scan.ts'
import type { JsonTree } from './json-scan.ts'
import { multipartTexts } from './multipart.ts'
import { kindOf, root } from './json-tree.ts'
import { anything } from './shape.ts'
import type { Shape } from './shape.ts'
import { decoded } from './spelling.ts'
import { textsOf } from './walk.ts'

/**
 * The document of a JSON body, a byte order mark in front of it allowed; undefined when it is none, or too deep. A bare number is
 * none: as a text it can be inspected.
 */
export function jsonBody(
  body: string,
  from = body.charCodeAt(0) === 0xfeff ? 1 : 0,
  to = body.length,
): JsonTree | undefined {
  const tree = scanJson(body, from, to)
  return tree === undefined || kindOf(tree, root) === 'scalar' ? undefined : tree
}

/** The texts of a body that is not JSON of a known shape: a form, a multipart form, lines of JSON, or a text as it is. */
export function otherTexts(
  body: string,
  contentType: string,
  shape: Shape,
  unread: Set<Media> = new Set(),
): readonly TextPart[] {
  const type = contentType.toLowerCase()
  if (type.startsWith('application/x-www-form-urlencoded')) return formTexts(body)
  if (type.startsWith('multipart/')) {
    const read = (from: number, to: number, path: string): readonly TextPart[] =>
      jsonLinesTexts(body, from, to, anything, path, unread) ?? []
    const parts = multipartTexts(body, contentType, read, unread)
    if (parts !== undefined) return parts
  }
  if (isBinary(body)) return []
  return jsonLinesTexts(body, 0, body.length, shape, '', unread) ?? plainText(body, 0, body.length, '')
}

/** A text that stands in the body as it is. */
function plainText(body: string, start: number, end: number, path: string): TextPart[] {
  if (start >= end) return []
  return [{ text: body.slice(start, end), place: { start, end, spelling: [] }, role: 'unknown', kind: 'other', path }]
}

/**
 * One JSON value, or several, one on each line, as in batches and NDJSON, or each behind a record separator (RFC 7464); undefined when
 * it is anything else.
 */
function jsonLinesTexts(
  body: string,
  from: number,
  to: number,
  shape: Shape,
  path: string,
  unread: Set<Media>,
): readonly TextPart[] | undefined {
  const only = jsonBody(body, from, to)
  if (only !== undefined) return under(path, textsOf(only, shape, 'unknown', unread))
  const parts: TextPart[] = []
  let line = 0
  for (let at = from; at < to; line++) {
    const feed = body.indexOf('\n', at)
    const end = feed < 0 || feed > to ? to : feed
    while (at < end && body.charCodeAt(at) <= 32) at++
    if (at < end) {
      const tree = jsonBody(body, at, end)
      if (tree === undefined) return undefined
      for (const part of under(`${path}[${line}]`, textsOf(tree, shape, 'unknown', unread))) parts.push(part)
    }
    at = end + 1
  }
  return parts
}

function under(path: string, parts: readonly TextPart[]): readonly TextPart[] {
  if (path === '') return parts
  return parts.map((part) => ({ ...part, path: `${path}${/^(?:[{[]|$)/.test(part.path) ? '' : '.'}${part.path}` }))
}

function formTexts(body: string): readonly TextPart[] {
  const parts: TextPart[] = []
  const add = (start: number, end: number, path: string): void => {
    const raw = body.slice(start, end)
    const text = decoded(raw, ['form'])
    if (text !== '')
      parts.push({ text, place: { start, end, spelling: ['form'] }, role: 'unknown', kind: 'other', path })
  }
  let index = 0
  for (let at = 0; at < body.length; index++) {
    const next = body.indexOf('&', at)
    const end = next < 0 ? body.length : next
    const equals = body.indexOf('=', at)
    const nameEnd = equals < 0 || equals > end ? end : equals
    const name = body.slice(at, nameEnd)
    const path = plainName(name) ? name : `{${index}}`
    if (nameEnd === end || !isHarmless(body, at, nameEnd)) add(at, nameEnd, path)
    if (nameEnd < end) add(nameEnd + 1, end, path)
    at = end + 1
  }
  return parts
}
