import type { Media, Spelling, TextPart } from '../core/text.ts'
import { isBinary, plainName } from './encoded.ts'
import { isHarmless } from './harmless.ts'
import { mediaOf } from './media.ts'
import { base64Text, quotedText, utf8Text } from './recoded.ts'
import { decoded } from './spelling.ts'

/** How the content of a part is read where it stands as it is: its texts, with that path before theirs. */
export type ReadContent = (from: number, to: number, path: string) => readonly TextPart[]

/**
 * The texts of a multipart body (RFC 2046, 5.1; RFC 7578): names, file names (RFC 5987 too), and the content of every part that is text,
 * whatever type it says; parts in parts down to three levels. What cannot be read is added to `unread`. Undefined when there is no
 * boundary or it is nowhere in the body.
 */
export function multipartTexts(
  body: string,
  contentType: string,
  read?: ReadContent,
  unread: Set<Media> = new Set(),
): readonly TextPart[] | undefined {
  const form: Form = { body, parts: [], read, unread }
  return inBoundaries(form, contentType, { from: 0, to: body.length }, '', 1) ? form.parts : undefined
}

type Form = {
  readonly body: string
  readonly parts: TextPart[]
  readonly read: ReadContent | undefined
  readonly unread: Set<Media>
}

type Range = { readonly from: number; readonly to: number }

function inBoundaries(form: Form, contentType: string, { from, to }: Range, prefix: string, level: number): boolean {
  const boundary = boundaryIn(contentType)
  if (boundary === undefined) return false
  const { body } = form
  const delimiter = `--${boundary}`
  let at = body.indexOf(delimiter, from)
  if (at < 0 || at >= to) return false
  addText(form, { from, to: at }, `${prefix}preamble`)
  for (let index = 0; ; index++) {
    const start = at + delimiter.length
    const next = body.indexOf(delimiter, start)
    const last = next < 0 || next >= to
    onePart(form, { from: start, to: last ? to : next }, `${prefix}[${index}]`, level)
    if (last) return true
    at = next
  }
}

function onePart(form: Form, range: Range, numbered: string, level: number): void {
  const { body } = form
  const part = body.slice(range.from, range.to)
  const gap = /\r?\n\r?\n/.exec(part)
  if (gap === null) return addText(form, range, numbered)
  const head = part.slice(0, gap.index)
  const path = inHead(form, head, range.from, numbered)
  const type = headerIn(head, 'content-type')
  const content = withoutLineEnd(body, { from: range.from + gap.index + gap[0].length, to: range.to })
  if (content.to <= content.from) return
  const nested = /^multipart\//i.test(type) && level < deepest
  if (nested && inBoundaries(form, type, content, `${path}.`, level + 1)) return
  const transfer = headerIn(head, 'content-transfer-encoding').toLowerCase()
  if (transfer === 'base64' || transfer === 'quoted-printable') return recoded(form, content, path, transfer, type)
  if (!isBinary(body.slice(content.from, Math.min(content.to, content.from + 8192))))
    return readable(form, content, path)
  const start = body.slice(content.from, Math.min(content.to, content.from + 48))
  form.unread.add(mediaOf(Buffer.from(start, 'latin1').toString('base64'), type))
}

/** The texts of a part's header; gives the path of the part. */
function inHead(form: Form, head: string, offset: number, numbered: string): string {
  let path = numbered
  for (const found of head.matchAll(parameters)) {
    const { key = '', star } = found.groups ?? {}
    const [from, to] = found.indices?.groups?.['quoted'] ?? found.indices?.groups?.['bare'] ?? [0, 0]
    const raw = head.slice(from, to)
    if (key.toLowerCase() === 'filename') addName(form, raw, offset + from, `${path}.filename`, star === '*')
    else if (plainName(raw)) path = numbered.slice(0, numbered.lastIndexOf('[')) + raw
    else if (!isHarmless(raw, 0, raw.length)) addName(form, raw, offset + from, `${numbered}.name`, star === '*')
  }
  return path
}

/** `filename*=UTF-8''%e2%82%ac`: the value is percent-encoded behind the second quote. */
function addName(form: Form, raw: string, start: number, path: string, extended: boolean): void {
  const from = extended ? raw.indexOf("'", raw.indexOf("'") + 1) + 1 : 0
  const spelling: Spelling = extended ? ['form'] : spellingOf(raw)
  const text = decoded(raw.slice(from), spelling)
  if (text === '') return
  const place = { start: start + from, end: start + raw.length, spelling }
  form.parts.push({ text, place, role: 'unknown', kind: path.endsWith('.name') ? 'other' : 'file-name', path })
}

function recoded({ body, parts, unread }: Form, { from, to }: Range, path: string, as: Transfer, type: string): void {
  const raw = body.slice(from, to)
  const text = as === 'base64' ? base64Text(raw) : quotedText(raw)
  if (text === undefined) return void unread.add(mediaOf(raw, type))
  if (text !== '')
    parts.push({ text, place: { start: from, end: to, spelling: [as] }, role: 'user', kind: 'other', path })
}

type Transfer = 'base64' | 'quoted-printable'

/** Content that is a document is read as one. */
function readable(form: Form, content: Range, path: string): void {
  const documents = /[[{\u001e]/.test(form.body.charAt(content.from))
    ? form.read?.(content.from, content.to, path)
    : undefined
  if (documents === undefined || documents.length === 0) addText(form, content, path)
  else for (const part of documents) form.parts.push(part)
}

function addText({ body, parts }: Form, range: Range, path: string): void {
  const { from, to } = withoutLineEnd(body, range)
  const raw = body.slice(from, to)
  if (raw === '' || raw === '--' || isBinary(raw)) return
  const spelling = spellingOf(raw)
  const text = decoded(raw, spelling)
  parts.push({ text, place: { start: from, end: to, spelling }, role: 'user', kind: 'other', path })
}

/** Bytes of a recording make the whole body latin1: the texts beside it are UTF-8 nevertheless. */
function spellingOf(raw: string): Spelling {
  return /[\u0080-\u00ff]/.test(raw) && !/[^\u0000-\u00ff]/.test(raw) && utf8Text(raw) !== raw ? inUtf8 : asItIs
}

/** Without the line end that belongs to the delimiter. */
function withoutLineEnd(body: string, { from, to }: Range): Range {
  let end = to
  if (body.charCodeAt(end - 1) === 10) end--
  if (body.charCodeAt(end - 1) === 13) end--
  return { from, to: end }
}

function headerIn(head: string, name: string): string {
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    if (line.length > name.length && line.slice(0, name.length + 1).toLowerCase() === `${name}:`)
      return line.slice(name.length + 1).trim()
  }
  return ''
}

function boundaryIn(contentType: string): string | undefined {
  const found = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType)
  return found?.[1] ?? found?.[2]
}

const parameters =
  /[;\s](?<key>(?:file)?name)(?<star>\*?)\s*=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>[^;\s"][^;\r\n]*))/dgi
const inUtf8: Spelling = ['utf8']
const asItIs: Spelling = []
const deepest = 3
