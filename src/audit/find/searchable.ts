/**
 * A text as it is compared: composed (NFC), in lower case as Unicode folds it, in all scripts. `ß` is `ss` and the final sigma is a
 * sigma; accents stay what they are.
 */
export function folded(text: string): string {
  if (isPlain(text)) return text.toLowerCase()
  return text.normalize('NFC').toLowerCase().replaceAll('ς', 'σ').replaceAll('ß', 'ss').normalize('NFC')
}

/**
 * What can be found in a stored body, each folded: the body as it is; with its JSON escapes read, also of JSON within JSON; and the
 * pieces of a streamed answer put together.
 */
export function* searchable(body: string): Generator<string> {
  for (const part of partsOf(body)) {
    let read = part
    yield folded(read)
    for (let depth = 0; depth < ESCAPE_DEPTH && read.includes('\\'); depth += 1) {
      const further = read.replaceAll(ESCAPE, (escape, hex?: string) => meaningOf(escape, hex))
      if (further === read) break
      read = further
      yield folded(read)
    }
  }
  const joined = body.length <= PART ? joinedDeltas(body) : ''
  if (joined !== '') yield folded(joined)
}

// Parts that overlap: a long body folded and unescaped at once would be held four times.
function* partsOf(body: string): Generator<string> {
  for (let at = 0; at === 0 || at < body.length; at += PART) yield body.slice(at, at + PART + OVERLAP)
}

function meaningOf(escape: string, hex: string | undefined): string {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
  return meanings[escape] ?? escape.slice(1)
}

/** The strings at one place of the events of a stream (server-sent events, JSON lines, one array), one after the other. */
function joinedDeltas(body: string): string {
  const places = new Map<string, string[]>()
  for (const event of eventsIn(body)) collect(event, '', places, 0)
  const joined: string[] = []
  for (const pieces of places.values()) if (pieces.length > 1) joined.push(pieces.join(''))
  return joined.join('\n')
}

function* eventsIn(body: string): Generator {
  const start = body.trimStart()
  if (start.startsWith('[')) {
    const list = parsed(start)
    if (Array.isArray(list)) yield* list as unknown[]
    return
  }
  if (!EVENTS.test(body)) return
  for (const line of body.split(/\r\n|\r|\n/)) {
    const json = line.startsWith('data:') ? line.slice(5) : line.startsWith('{') ? line : ''
    if (json !== '') yield parsed(json)
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function collect(value: unknown, place: string, places: Map<string, string[]>, depth: number): void {
  if (typeof value === 'string') {
    const pieces = places.get(place)
    if (pieces !== undefined) pieces.push(value)
    else if (places.size < PLACES) places.set(place, [value])
    return
  }
  if (typeof value !== 'object' || value === null || depth > DEPTH) return
  // `index` tells the texts of one stream apart.
  const { index } = value as { index?: unknown }
  const here = typeof index === 'number' ? `${place}#${index}` : place
  for (const [name, inner] of Object.entries(value)) {
    if (!constant.has(name)) collect(inner, `${here}.${name}`, places, depth + 1)
  }
}

const isPlain = (text: string): boolean => !/[^\u0000-\u007F]/.test(text)

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|["\\/bfnrt])/g
const meanings: Readonly<Record<string, string>> = { '\\b': '\b', '\\f': '\f', '\\n': '\n', '\\r': '\r', '\\t': '\t' }
const EVENTS = /^(?:data:|\{.*\}[\r\n]+\{)/m
/** Names of what is the same in each event. */
const constant = new Set([
  'id',
  'object',
  'model',
  'type',
  'role',
  'system_fingerprint',
  'service_tier',
  'item_id',
  'obfuscation',
])
const ESCAPE_DEPTH = 3
const PART = 4 * 2 ** 20
const OVERLAP = 16_384
const DEPTH = 32
const PLACES = 1_000
