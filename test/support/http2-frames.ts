import type { RawClient } from './raw-client.ts'

/** HTTP/2 by hand (RFC 9113, 4 and 6): what no well-behaved library would send. */
export type Frame = {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

/** Names and values, in order; nothing is checked. */
export type Fields = readonly (readonly [name: string, value: string])[]

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export function frame(type: number, flags: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, payload])
}

export function settings(pairs: Readonly<Record<number, number>> = {}): Buffer {
  const payload = Object.entries(pairs).map(([id, value]) => {
    const pair = Buffer.alloc(6)
    pair.writeUInt16BE(Number(id))
    pair.writeUInt32BE(value, 2)
    return pair
  })
  return frame(types.settings, 0, 0, Buffer.concat(payload))
}

export const settingsAck = frame(types.settings, 1, 0)

/** HEADERS with END_HEADERS unless `open`. */
export function headers(
  id: number,
  fields: Fields | Uint8Array,
  { end = false, open = false }: { readonly end?: boolean; readonly open?: boolean } = {},
): Buffer {
  const block = fields instanceof Uint8Array ? fields : fieldBlock(fields)
  return frame(types.headers, (end ? 1 : 0) | (open ? 0 : 4), id, block)
}

export function data(id: number, bytes: string | Uint8Array, end = false): Buffer {
  return frame(types.data, end ? 1 : 0, id, typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
}

export function reset(id: number, code: number): Buffer {
  return frame(types.reset, 0, id, uint32(code))
}

export function goaway(lastStreamId: number, code: number): Buffer {
  return frame(types.goaway, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code)]))
}

export function windowUpdate(id: number, increment: number): Buffer {
  return frame(types.windowUpdate, 0, id, uint32(increment))
}

export function ping(ack = false): Buffer {
  return frame(types.ping, ack ? 1 : 0, 0, Buffer.alloc(8))
}

/** Literal fields without indexing, names and values as they are (RFC 7541, 6.2.2). */
export function fieldBlock(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 7), bytes])
}

// RFC 7541, 5.1.
function integer(value: number, prefix: number): Buffer {
  const most = 2 ** prefix - 1
  if (value < most) return Buffer.from([value])
  const bytes = [most]
  for (let rest = value - most; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** The next frame of a connection; undefined when it has ended. */
export async function nextFrame(client: RawClient): Promise<Frame | undefined> {
  try {
    const head = Buffer.from(await client.until(9), 'latin1')
    const payload = Buffer.from(await client.until(head.readUIntBE(0, 3)), 'latin1')
    return { type: head.readUInt8(3), flags: head.readUInt8(4), id: head.readUInt32BE(5) & 0x7fffffff, payload }
  } catch {
    return undefined
  }
}

/** Frames up to and including the first that fits; the last is undefined when the connection ended before. */
export async function framesUntil(client: RawClient, fits: (frame: Frame) => boolean): Promise<(Frame | undefined)[]> {
  const frames: (Frame | undefined)[] = []
  for (;;) {
    const one = await nextFrame(client)
    frames.push(one)
    if (one === undefined || fits(one)) return frames
  }
}

/** The error code of a RST_STREAM or GOAWAY. */
export function codeOf({ type, payload }: Frame): number {
  return payload.readUInt32BE(type === types.goaway ? 4 : 0)
}
