import type { TextPart } from '../core/text.ts'
import { isBinary, plainName } from './encoded.ts'

/**
 * The texts of a multipart body (RFC 2046, 5.1; RFC 7578): file names, and the content of every part that is text, whatever type it
 * says. Undefined when there is no boundary or it is nowhere in the body.
 */
export function multipartTexts(body: string, contentType: string): readonly TextPart[] | undefined {
  const boundary = boundaryIn(contentType)
  if (boundary === undefined) return undefined
  const delimiter = `--${boundary}`
  let at = body.indexOf(delimiter)
  if (at < 0) return undefined
  const parts: TextPart[] = []
  add(parts, body, 0, at, 'preamble', 'other')
  for (let index = 0; ; index++) {
    const start = at + delimiter.length
    const next = body.indexOf(delimiter, start)
    const end = next < 0 ? body.length : next
    onePart(parts, body, start, end, index)
    if (next < 0) return parts
    at = next
  }
}

function onePart(parts: TextPart[], body: string, start: number, end: number, index: number): void {
  const part = body.slice(start, end)
  const gap = /\r?\n\r?\n/.exec(part)
  if (gap === null) {
    add(parts, body, start, end, `[${index}]`, 'other')
    return
  }
  const head = part.slice(0, gap.index)
  const name = /[; ]name="([^"]*)"/i.exec(head)?.[1]
  const path = name !== undefined && plainName(name) ? name : `[${index}]`
  const file = /filename="((?:[^"\\]|\\.)*)"/di.exec(head)?.indices?.[1]
  if (file !== undefined) add(parts, body, start + file[0], start + file[1], `${path}.filename`, 'file-name')
  add(parts, body, start + gap.index + gap[0].length, end, path, 'other')
}

/** Adds [from, to) without the line end that belongs to the delimiter. */
function add(parts: TextPart[], body: string, from: number, to: number, path: string, kind: TextPart['kind']): void {
  let end = to
  if (body.charCodeAt(end - 1) === 10) end--
  if (body.charCodeAt(end - 1) === 13) end--
  if (end <= from) return
  const text = body.slice(from, end)
  if (text === '--' || isBinary(text)) return
  parts.push({
    text,
    place: { start: from, end, spelling: [] },
    role: kind === 'other' ? 'user' : 'unknown',
    kind,
    path,
  })
}

function boundaryIn(contentType: string): string | undefined {
  const found = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType)
  return found?.[1] ?? found?.[2]
}
