import { SallyportError } from '../core/errors.ts'
import type { Media, Spelling } from '../core/text.ts'
import { sseDataInPlace, sseFields } from '../lib/sse.ts'
import type { Span } from '../lib/sse.ts'
import type { Reading } from './dialect.ts'
import { isBinary } from './encoded.ts'
import { messageEvents, openMessage } from './event-stream.ts'
import { isHarmless } from './harmless.ts'
import { arrayEvents, lineEvents, sseEvents } from './framing.ts'
import type { Framer } from './framing.ts'
import { jsonBody } from './bodies.ts'
import type { JsonTree } from './json-scan.ts'
import { decodeBody } from './json-text.ts'
import { factsOf, newNotes } from './notes.ts'
import type { StreamEvent, StreamPart, StreamReader } from './provider.ts'
import { eventTextsOf } from './walk.ts'

/**
 * `sse`: server-sent events; `lines`: a JSON value on each line; `array`: one JSON array, element by element; `messages`: Amazon's
 * binary event stream; `one`: each push is an event, as a WebSocket's messages are.
 */
export type Framing = 'sse' | 'lines' | 'array' | 'messages' | 'one'

/** The reader of one stream. */
export function streamReader(framing: Framing, reading: Reading, maxEventBytes = defaultEventBytes): StreamReader {
  const framer = framers[framing](maxEventBytes)
  const notes = newNotes()
  const open = new Set<string>()
  const locate = locators[framing]
  const read = (bytes: Uint8Array): StreamEvent => {
    const opened = framing === 'messages' ? openMessage(bytes) : undefined
    const { text, charset } = decodeBody(opened?.content ?? bytes)
    const { data, event } = locate(text)
    const content = contentOf(text, data, reading, framing === 'sse' ? sseLine : plain)
    const parts = framing === 'sse' ? withOtherLines(text, data, content.parts) : content.parts
    if (content.tree !== undefined) reading.note(notes, content.tree)
    for (const part of content.parts) if (!part.whole) open.add(part.channel)
    if (open.size > mostChannels) throw new SallyportError('upstream_invalid', 'the answer has too many texts at once')
    const closes = content.tree === undefined ? content.closes : reading.closes(content.tree, opened?.event ?? event)
    const { unread } = content
    const read = {
      bytes,
      text,
      charset,
      parts,
      ends: closed(open, closes),
      ...(unread === undefined ? {} : { unread }),
    }
    return opened === undefined ? read : { ...read, frame: opened.frame }
  }
  return {
    push: (chunk) => framer.push(chunk).map(read),
    end: () => {
      const rest = framer.end()
      return rest === undefined ? [] : [read(rest)]
    },
    facts: () => factsOf(notes),
  }
}

type Located = { readonly data: readonly Span[]; readonly event: string }
type Content = {
  readonly tree?: JsonTree
  readonly parts: readonly StreamPart[]
  readonly closes: readonly string[]
  readonly unread?: readonly Media[]
}

const oneValue = (text: string): Located => ({ data: [trimmed(text, 0)], event: '' })

const locators: Record<Framing, (text: string) => Located> = {
  sse: sseFields,
  lines: oneValue,
  messages: oneValue,
  one: oneValue,
  array: (text) => ({ data: [trimmed(text, 1)], event: '' }),
}

const framers: Record<Framing, (maxEventBytes: number) => Framer> = {
  sse: sseEvents,
  lines: lineEvents,
  array: arrayEvents,
  messages: messageEvents,
  one: () => ({ push: (chunk) => [chunk], end: () => undefined }),
}

function contentOf(text: string, data: readonly Span[], reading: Reading, spelling: Spelling): Content {
  const place = sseDataInPlace(text, data)
  if (place.start === place.end) return nothing
  if (isDone(text, place)) return { parts: [], closes: all }
  const tree = jsonBody(place.text, place.start, place.end)
  if (tree !== undefined) {
    const unread = new Set<Media>()
    const parts = eventTextsOf(tree, reading.event, unread)
    return unread.size === 0 ? { tree, parts, closes: [] } : { tree, parts, closes: [], unread: [...unread] }
  }
  const parts = data.flatMap(({ start, end }) => plainPiece(text, start, end, spelling))
  return { parts, closes: [] }
}

/** Comments, ids and names of events, where they say more than a word. */
function withOtherLines(text: string, data: readonly Span[], parts: readonly StreamPart[]): readonly StreamPart[] {
  const first = data[0]
  if (first?.start === 6 && text.length - (data.at(-1) as Span).end <= 4) return parts
  const found: StreamPart[] = []
  for (const { 0: line, index } of text.matchAll(/[^\r\n]+/g)) {
    if (data.some(({ start }) => start > index && start <= index + line.length)) continue
    const colon = line.indexOf(':') + 1
    const start = index + (line.charCodeAt(colon) === 32 ? colon + 1 : colon)
    const end = index + line.length
    if (start >= end || isHarmless(text, start, end)) continue
    const place = { start, end, spelling: sseLine }
    found.push({ ...wholeLine, text: text.slice(start, end), place })
  }
  return found.length === 0 ? parts : [...found, ...parts]
}

/** Data that is no JSON: one line of a growing text. */
function plainPiece(text: string, start: number, end: number, spelling: Spelling): StreamPart[] {
  const piece = text.slice(start, end)
  if (start === end || isBinary(piece)) return []
  const place = { start, end, spelling }
  return [
    {
      text: piece,
      place,
      role: 'assistant',
      kind: 'other',
      path: 'data',
      channel: 'data',
      whole: false,
      fragment: 'text',
    },
  ]
}

/** The end mark of the OpenAI dialect, or the bracket that closes an array. */
function isDone(text: string, { start, end }: Span): boolean {
  const content = text.slice(start, Math.min(end, start + 10)).trim()
  return content === '[DONE]' || content === ']'
}

/** The open channels that are meant: those of that name and those below it. */
function closed(open: Set<string>, closes: readonly string[]): readonly string[] {
  if (closes.length === 0) return closes
  if (closes.includes('*')) {
    open.clear()
    return all
  }
  const ends: string[] = []
  for (const channel of open) {
    if (!closes.some((name) => channel === name || channel.startsWith(`${name}:`))) continue
    open.delete(channel)
    ends.push(channel)
  }
  return ends
}

/** Without white space around, and in front without the separators of an array: up to `marks` of them. */
function trimmed(text: string, marks: number): Span {
  let start = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let end = text.length
  let left = marks
  for (; start < end; start++) {
    const code = text.charCodeAt(start)
    if (code <= 32) continue
    if (left === 0 || (code !== 44 && code !== 91)) break
    left--
  }
  while (end > start && text.charCodeAt(end - 1) <= 32) end--
  return { start, end }
}

const wholeLine = {
  role: 'assistant',
  kind: 'other',
  path: 'line',
  channel: 'line',
  whole: true,
  fragment: 'text',
} as const
const sseLine: Spelling = ['sse']
const plain: Spelling = []
const nothing: Content = { parts: [], closes: [] }
const all = ['*']
const mostChannels = 4_096
const defaultEventBytes = 33_554_432
