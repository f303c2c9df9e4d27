import { isUtf8 } from 'node:buffer'
import { SallyportError } from '../core/errors.ts'
import type { Edit, TextPart } from '../core/text.ts'
import { decoded, rawOffsets, spelled } from './spelling.ts'

export type Charset = 'utf8' | 'latin1'

/** A body as a string: valid UTF-8 as such (a byte order mark stays), anything else as latin1, so that the way back is exact. */
export function decodeBody(bytes: Uint8Array): { readonly text: string; readonly charset: Charset } {
  const charset = isUtf8(bytes) ? 'utf8' : 'latin1'
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { text: buffer.toString(charset), charset }
}

/** The bytes of a decoded body. What an edit put into a latin1 body and latin1 cannot hold is written as UTF-8. */
export function encodeBody(text: string, charset: Charset): Buffer {
  if (charset === 'utf8' || !/[^\u0000-\u00ff]/.test(text)) return Buffer.from(text, charset)
  const pieces = text.split(/([^\u0000-\u00ff]+)/)
  return Buffer.concat(pieces.map((piece, i) => Buffer.from(piece, i % 2 === 1 ? 'utf8' : 'latin1')))
}

/**
 * The body with the edits made in place: nothing outside the changed spans moves. An edit that begins or ends inside a
 * surrogate pair takes the whole pair. Throws `internal_error` rather than write a wrong body: edits that overlap, or that do
 * not fit their part, or a part that does not fit the body or may not be edited.
 */
export function applyEdits(raw: string, edits: readonly Edit[]): string {
  const splices: Splice[] = []
  for (const [part, own] of Map.groupBy(edits, (edit) => edit.part)) splicesFor(raw, part, own, splices)
  splices.sort((a, b) => a.start - b.start || a.end - b.end)
  const pieces: string[] = []
  let at = 0
  for (const { start, end, text } of splices) {
    if (start < at) throw new SallyportError('internal_error', 'edits of a body overlap')
    pieces.push(raw.slice(at, start), text)
    at = end
  }
  pieces.push(raw.slice(at))
  return pieces.join('')
}

/** Replaces [start, end) of the raw body. */
type Splice = { readonly start: number; readonly end: number; readonly text: string }

function splicesFor(raw: string, part: TextPart, edits: readonly Edit[], splices: Splice[]): void {
  const { place } = part
  const inside = raw.slice(place.start, place.end)
  if (part.sealed === true) throw new SallyportError('internal_error', `an edit of a sealed text: ${part.path}`)
  if (!spells(inside, part))
    throw new SallyportError('internal_error', `a text is not where its place says: ${part.path}`)
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end)
  const bounds: number[] = []
  let at = 0
  for (const edit of sorted) {
    if (edit.start < at || edit.end < edit.start || edit.end > part.text.length) {
      throw new SallyportError('internal_error', `edits of a text overlap or do not fit it: ${part.path}`)
    }
    at = edit.end
    const end = cutsPair(part.text, edit.end) ? edit.end + 1 : edit.end
    const start = edit.start < edit.end && cutsPair(part.text, edit.start) ? edit.start - 1 : edit.start
    const from = Math.max(bounds.at(-1) ?? 0, edit.start === edit.end ? end : start)
    bounds.push(from, Math.max(from, end))
  }
  const rawBounds = rawOffsets(inside, place.spelling, bounds)
  for (const [i, edit] of sorted.entries()) {
    const start = place.start + (rawBounds[i * 2] as number)
    const end = place.start + (rawBounds[i * 2 + 1] as number)
    splices.push({ start, end, text: spelled(edit.replacement, place.spelling) })
  }
}

function spells(inside: string, part: TextPart): boolean {
  try {
    return decoded(inside, part.place.spelling) === part.text
  } catch {
    return false
  }
}

function cutsPair(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return false
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
}
