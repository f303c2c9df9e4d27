import type { AnswerFacts, RequestFacts } from '../core/chat.ts'
import { noAnswerFacts } from '../core/chat.ts'
import type { Target } from '../core/http.ts'
import type { Media } from '../core/text.ts'
import { jsonBody, otherTexts } from './bodies.ts'
import type { Dialect, Reading } from './dialect.ts'
import { scanJson } from './json-scan.ts'
import type { JsonTree } from './json-scan.ts'
import { items, kindOf, root } from './json-tree.ts'
import { factsOf, newNotes } from './notes.ts'
import type { About, AnswerReading, Operation, Provider, RequestReading, StreamReader } from './provider.ts'
import { streamReader } from './stream.ts'
import type { Framing } from './stream.ts'
import { anything } from './shape.ts'
import { textsOf } from './walk.ts'

/** A provider that speaks these dialects; the first is the one it speaks where the path does not tell. */
export function defineProvider(
  name: string,
  hosts: readonly string[],
  dialects: readonly [Dialect, ...Dialect[]],
): Provider {
  const operation = (target: Target, method: string): Operation | undefined => {
    for (const dialect of dialects) {
      const found = dialect.operation(target.path, method)
      if (found !== undefined) return found
    }
    return undefined
  }
  return {
    name,
    hosts,
    operation,
    readRequest: (body, about) => readRequest(body, about, readingOf(dialects, about)),
    readAnswer: (body, about) => readAnswer(body, about, dialectOf(dialects, about)),
    reader: (about) => readerFor(about, dialectOf(dialects, about)),
    messageReader: (about) => streamReader('one', readingOf(dialects, about), about.maxEventBytes),
    refuse: (refusal, about) => dialectOf(dialects, about).refuse(refusal, about),
    refuseEvent: (refusal, about) => dialectOf(dialects, about).refuseEvent(refusal, about),
  }
}

/** What is known of a body that no dialect knows: its strings. */
export const anyReading: Reading = {
  request: anything,
  answer: anything,
  event: anything,
  requestFacts: () => noRequestFacts,
  note: () => {},
  closes: () => [],
}

function dialectOf(dialects: readonly [Dialect, ...Dialect[]], about: About | undefined): Dialect {
  if (about === undefined) return dialects[0]
  const { operation, target } = about
  const byPath = dialects.find((dialect) => dialect.operation(target.path, 'POST') === operation)
  return byPath ?? dialects.find((dialect) => dialect.readings[operation] !== undefined) ?? dialects[0]
}

function readingOf(dialects: readonly [Dialect, ...Dialect[]], about: About): Reading {
  return dialectOf(dialects, about).readings[about.operation] ?? anyReading
}

function readRequest(body: string, about: About, reading: Reading): RequestReading {
  const tree = jsonBody(body)
  const unread = new Set<Media>()
  const parts =
    tree === undefined
      ? otherTexts(body, about.contentType, reading.request, unread)
      : textsOf(tree, reading.request, 'unknown', unread)
  return { facts: tree === undefined ? noRequestFacts : reading.requestFacts(tree, about), parts, unread: [...unread] }
}

function readAnswer(body: string, about: About, dialect: Dialect): AnswerReading {
  const reading = dialect.readings[about.operation] ?? anyReading
  const tree = jsonBody(body)
  const unread = new Set<Media>()
  if (tree !== undefined) {
    const parts = textsOf(tree, reading.answer, 'assistant', unread)
    return { facts: wholeFacts(reading, tree), parts, unread: [...unread] }
  }
  const framing = framingOf(about, dialect)
  if (framing === 'sse' || framing === 'lines')
    return readWholeStream(body, streamReader(framing, reading, body.length * 3))
  const parts = otherTexts(body, about.contentType, reading.answer, unread)
  return { facts: noAnswerFacts, parts, unread: [...unread] }
}

/** What a whole answer tells. An array is a stream that was gathered: each element tells in turn. */
function wholeFacts(reading: Reading, tree: JsonTree): AnswerFacts {
  const notes = newNotes()
  reading.note(notes, tree)
  for (const item of items(tree, root)) {
    const element = scanJson(tree.text, tree.nodes[item * 3], tree.nodes[item * 3 + 1])
    if (element !== undefined && kindOf(element, root) === 'object') reading.note(notes, element)
  }
  return factsOf(notes)
}

/** A stream that was gathered first: the texts of its events, at their places in the whole. */
function readWholeStream(body: string, reader: StreamReader): AnswerReading {
  const events = [...reader.push(Buffer.from(body)), ...reader.end()]
  const parts: AnswerReading['parts'][number][] = []
  let offset = 0
  for (const event of events) {
    for (const { channel: _channel, whole: _whole, fragment: _fragment, ...part } of event.parts) {
      const { start, end, object } = part.place
      const moved = object && { start: object.start + offset, end: object.end + offset }
      parts.push({ ...part, place: { ...part.place, start: start + offset, end: end + offset, object: moved } })
    }
    offset += event.text.length
  }
  return { facts: reader.facts(), parts, unread: [...new Set(events.flatMap((event) => event.unread ?? []))] }
}

function readerFor(about: About, dialect: Dialect): StreamReader | undefined {
  const framing = framingOf(about, dialect)
  if (framing === undefined) return undefined
  return streamReader(framing, dialect.readings[about.operation] ?? anyReading, about.maxEventBytes)
}

function framingOf(about: About, dialect: Dialect): Framing | undefined {
  const type = about.contentType.toLowerCase().split(';', 1)[0]?.trim() ?? ''
  if (type === 'text/event-stream') return 'sse'
  if (type === 'application/vnd.amazon.eventstream') return 'messages'
  if (lineTypes.has(type)) return 'lines'
  return type === 'application/json' ? dialect.framing?.(about) : undefined
}

const lineTypes = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/stream+json',
  'application/json-seq',
])

const noRequestFacts: RequestFacts = { model: null, stream: false, messages: 0, tools: [] }
