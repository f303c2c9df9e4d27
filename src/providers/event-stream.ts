import { crc32 } from 'node:zlib'
import { SallyportError } from '../core/errors.ts'
import { gather } from '../lib/gather.ts'
import type { Framer } from './framing.ts'
import { scanJson } from './json-scan.ts'
import { endOf, member, none, root, startOf, stringOf } from './json-tree.ts'

/**
 * The messages of `application/vnd.amazon.eventstream` (Amazon's event stream encoding): four bytes each of total length, length of
 * headers and their CRC-32, then headers, payload, and the CRC-32 of all that. Throws `upstream_invalid` when a check does not fit:
 * where one message ends could not be told any more.
 */
export function messageEvents(maxEventBytes: number): Framer {
  const held = gather()
  let needed = preludeBytes
  return {
    push: (chunk) => {
      const messages: Uint8Array[] = []
      if (held.size() + chunk.length < needed) {
        held.hold(chunk)
        return messages
      }
      let rest = held.take(chunk)
      for (;;) {
        needed = rest.length < preludeBytes ? preludeBytes : totalLength(rest, maxEventBytes)
        if (rest.length < needed) break
        messages.push(rest.subarray(0, needed))
        rest = rest.subarray(needed)
      }
      if (rest.length > 0) held.hold(rest)
      return messages
    },
    end: () => (held.size() === 0 ? undefined : held.take(empty)),
  }
}

/** One message opened: what its payload says, and the message that says something else instead. */
export type Opened = {
  /** `:event-type`; `exception` for an error. */
  readonly event: string
  readonly content: Uint8Array
  readonly frame: (content: Uint8Array) => Uint8Array
}

/** A message whose payload holds another document in base64, as InvokeModel has it, is opened to that one. */
export function openMessage(message: Uint8Array): Opened {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  // The stream broke off inside it: nobody can read it.
  if (bytes.length < shortest || bytes.readUInt32BE(0) !== bytes.length)
    return { event: '', content: empty, frame: () => message }
  const headersEnd = preludeBytes + bytes.readUInt32BE(4)
  const end = bytes.length - 4
  if (headersEnd > end || crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) throw broken()
  const headers = stringHeaders(bytes.subarray(preludeBytes, headersEnd))
  const kind = headers.get(':message-type')
  const event = kind === undefined || kind === 'event' ? (headers.get(':event-type') ?? '') : 'exception'
  const payload = bytes.subarray(headersEnd, end)
  const framed = (content: Uint8Array): Uint8Array => encoded(bytes.subarray(preludeBytes, headersEnd), content)
  return { event, ...innerOf(payload, framed) }
}

/** A message of string headers. */
export function writeMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array): Uint8Array {
  const spelled = Object.entries(headers).map(([name, value]) => {
    const [key, text] = [Buffer.from(name), Buffer.from(value)]
    const sizes = Buffer.from([stringType, text.length >> 8, text.length & 0xff])
    return Buffer.concat([Buffer.from([key.length]), key, sizes, text])
  })
  return encoded(Buffer.concat(spelled), payload)
}

function encoded(headers: Uint8Array, payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(preludeBytes + headers.length + payload.length + 4)
  out.writeUInt32BE(out.length, 0)
  out.writeUInt32BE(headers.length, 4)
  out.writeUInt32BE(crc32(out.subarray(0, 8)), 8)
  out.set(headers, preludeBytes)
  out.set(payload, preludeBytes + headers.length)
  out.writeUInt32BE(crc32(out.subarray(0, out.length - 4)), out.length - 4)
  return out
}

function totalLength(message: Uint8Array, maxEventBytes: number): number {
  const bytes = Buffer.from(message.buffer, message.byteOffset, preludeBytes)
  const length = bytes.readUInt32BE(0)
  if (length < shortest || crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) throw broken()
  if (length > maxEventBytes)
    throw new SallyportError('sallyport_too_large', 'an event of the answer is larger than can be held')
  return length
}

/** Name and value of the headers that are strings; the others are stepped over. */
function stringHeaders(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at < bytes.length;) {
    const nameEnd = at + 1 + (bytes[at] as number)
    const name = bytes.toString('utf8', at + 1, nameEnd)
    const type = bytes[nameEnd]
    const fixed = fixedSizes[type ?? -1]
    if (fixed !== undefined) {
      at = nameEnd + 1 + fixed
      continue
    }
    if (nameEnd + 3 > bytes.length || (type !== stringType && type !== bytesType)) throw broken()
    at = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1)
    if (type === stringType) headers.set(name, bytes.toString('utf8', nameEnd + 3, at))
  }
  return headers
}

function innerOf(payload: Buffer, framed: Opened['frame']): Pick<Opened, 'content' | 'frame'> {
  const text = payload.toString('latin1')
  const tree = text.includes('"bytes"') ? scanJson(text) : undefined
  const inner = tree === undefined ? none : member(tree, root, 'bytes')
  const spelled = tree === undefined ? undefined : stringOf(tree, inner)
  if (tree === undefined || spelled === undefined || !base64.test(spelled)) return { content: payload, frame: framed }
  const [before, after] = [payload.subarray(0, startOf(tree, inner)), payload.subarray(endOf(tree, inner))]
  const frame = (content: Uint8Array): Uint8Array =>
    framed(Buffer.concat([before, Buffer.from(Buffer.from(content).toString('base64')), after]))
  return { content: Buffer.from(spelled, 'base64'), frame }
}

function broken(): SallyportError {
  return new SallyportError('upstream_invalid', 'the event stream of the answer is damaged')
}

const empty = new Uint8Array(0)
const preludeBytes = 12
const shortest = 16
const stringType = 7
const bytesType = 6
// True and false, then numbers of 1, 2, 4, 8 bytes, a time and a UUID.
const fixedSizes: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }
const base64 = /^[A-Za-z0-9+/]+={0,2}$/
