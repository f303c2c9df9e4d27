import type { TextPart } from '../core/text.ts'
import { isBinary, isWord, plainName } from './encoded.ts'
import { scanJson } from './json-scan.ts'
import type { JsonTree } from './json-scan.ts'
import { multipartTexts } from './multipart.ts'
import { kindOf, root } from './json-tree.ts'
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
export function otherTexts(body: string, contentType: string, shape: Shape): readonly TextPart[] {
  const type = contentType.toLowerCase()
  if (type.startsWith('application/x-www-form-urlencoded')) return formTexts(body)
  if (type.startsWith('multipart/')) {
    const parts = multipartTexts(body, contentType)
    if (parts !== undefined) return parts
  }
  if (isBinary(body)) return []
  return jsonLinesTexts(body, shape) ?? plainText(body, 0, body.length, '')
}

/** A text that stands in the body as it is. */
function plainText(body: string, start: number, end: number, path: string): TextPart[] {
  if (start >= end) return []
  return [{ text: body.slice(start, end), place: { start, end, spelling: [] }, role: 'unknown', kind: 'other', path }]
}

/** Several JSON values, one on each line, as in batches and NDJSON; undefined unless every line is one. */
function jsonLinesTexts(body: string, shape: Shape): readonly TextPart[] | undefined {
  const parts: TextPart[] = []
  let line = 0
  for (let at = 0; at < body.length; line++) {
    const feed = body.indexOf('\n', at)
    const end = feed < 0 ? body.length : feed
    if (!isBlank(body, at, end)) {
      const tree = jsonBody(body, at, end)
      if (tree === undefined) return undefined
      for (const part of textsOf(tree, shape)) parts.push({ ...part, path: `[${line}]${part.path && '.'}${part.path}` })
    }
    at = end + 1
  }
  return parts
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
    if (nameEnd === end || !isWord(body, at, nameEnd)) add(at, nameEnd, path)
    if (nameEnd < end) add(nameEnd + 1, end, path)
    at = end + 1
  }
  return parts
}

function isBlank(body: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (body.charCodeAt(i) > 32) return false
  return true
}
