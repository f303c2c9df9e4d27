import { isUtf8 } from 'node:buffer'
import { SallyportError } from '../core/errors.ts'
import type { Edit, TextPart } from '../core/text.ts'
import { keepingJson } from './json-edits.ts'
import type { Splice } from './json-edits.ts'
import { memberNames } from './member-names.ts'
import type { Names } from './member-names.ts'
import { decoded, isRespelled, rawOffsets, spelled } from './spelling.ts'

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
 * surrogate pair takes the whole pair. A text that is a JSON document stays one, and names in an object stay different. Throws
 * `internal_error` rather than write a wrong body: edits that overlap, or that do not fit their part, or a part that does not fit
 * the body or may not be edited.
 */
export function applyEdits(raw: string, edits: readonly Edit[]): string {
  const splices: Splice[] = []
  const names = memberNames(raw)
  for (const [part, own] of Map.groupBy(edits, (edit) => edit.part)) splicesFor(raw, part, own, names, splices)
  splices.sort((a, b) => a.start - b.start || a.end - b.end)
  return spliced(raw, splices)
}

function splicesFor(raw: string, part: TextPart, edits: readonly Edit[], names: Names, splices: Splice[]): void {
  const { place, text } = part
  const inside = raw.slice(place.start, place.end)
  if (part.sealed === true) throw new SallyportError('internal_error', `an edit of a sealed text: ${part.path}`)
  if (!spells(inside, part))
    throw new SallyportError('internal_error', `a text is not where its place says: ${part.path}`)
  const fitted = fitting(part, edits)
  const own = isPiece(part) ? fitted : keepingJson(text, fitted)
  const whole = place.object === undefined ? undefined : names(place, spliced(text, own))
  if (whole !== undefined || isRespelled(place.spelling)) {
    const { start, end } = place
    return void splices.push({ start, end, text: spelled(whole ?? spliced(text, own), place.spelling, inside) })
  }
  const bounds = rawOffsets(
    inside,
    place.spelling,
    own.flatMap(({ start, end }) => [start, end]),
  )
  for (const [i, { text: replacement }] of own.entries()) {
    const start = place.start + (bounds[i * 2] as number)
    const end = place.start + (bounds[i * 2 + 1] as number)
    splices.push({ start, end, text: spelled(replacement, place.spelling) })
  }
}

/** A piece of a growing text: of a document it is source, and so are its edits. */
function isPiece(part: TextPart & { readonly whole?: boolean }): boolean {
  return part.whole === false
}

/** The edits in order, without halves of surrogate pairs. */
function fitting(part: TextPart, edits: readonly Edit[]): Splice[] {
  const splices: Splice[] = []
  let at = 0
  let past = 0
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (edit.start < at || edit.end < edit.start || edit.end > part.text.length) {
      throw new SallyportError('internal_error', `edits of a text overlap or do not fit it: ${part.path}`)
    }
    at = edit.end
    const end = cutsPair(part.text, edit.end) ? edit.end + 1 : edit.end
    const start = edit.start < edit.end && cutsPair(part.text, edit.start) ? edit.start - 1 : edit.start
    const from = Math.max(past, edit.start === edit.end ? end : start)
    past = Math.max(from, end)
    splices.push({ start: from, end: past, text: edit.replacement })
  }
  return splices
}

function spliced(text: string, splices: readonly Splice[]): string {
  const pieces: string[] = []
  let at = 0
  for (const { start, end, text: replacement } of splices) {
    if (start < at) throw new SallyportError('internal_error', 'edits of a body overlap')
    pieces.push(text.slice(at, start), replacement)
    at = end
  }
  pieces.push(text.slice(at))
  return pieces.join('')
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
