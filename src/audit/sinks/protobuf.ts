/** Some bytes in a row, to be put together once. */
export type Part = Uint8Array | readonly Part[]

/** Fields of Protocol Buffers, for writing: number, then value (protobuf.dev, "Encoding"). What has the default value is left out by the caller. */
export const field = {
  varint: (number: number, value: number | bigint): Part => [varint(tag(number, 0)), varint(value)],
  fixed64: (number: number, value: bigint): Part => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(value)
    return [varint(tag(number, 1)), bytes]
  },
  double: (number: number, value: number): Part => {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(value)
    return [varint(tag(number, 1)), bytes]
  },
  bytes: (number: number, value: Uint8Array): Part => [varint(tag(number, 2)), varint(value.length), value],
  string: (number: number, value: string): Part => field.bytes(number, Buffer.from(value)),
  message: (number: number, ...parts: readonly Part[]): Part => [varint(tag(number, 2)), varint(sizeOf(parts)), parts],
}

/** The bytes of a message, from its fields. */
export function encoded(...parts: readonly Part[]): Buffer {
  const flat: Uint8Array[] = []
  collect(parts, flat)
  return Buffer.concat(flat)
}

/** One field of a message that was read: the number of a varint or fixed field, the bytes of one with a length. */
export type Field = { readonly number: number; readonly value: bigint | Buffer }

/** The fields of a message; undefined when the bytes are none, or are cut. */
export function decoded(message: Buffer): Field[] | undefined {
  const fields: Field[] = []
  let at = 0
  while (at < message.length) {
    const key = readVarint(message, at)
    if (key === undefined || key.value > 0xffffffffn || key.value < 8n) return undefined
    const read = readValue(message, key.end, Number(key.value & 7n))
    if (read === undefined) return undefined
    fields.push({ number: Number(key.value >> 3n), value: read.value })
    at = read.end
  }
  return fields
}

type Read<V> = { readonly value: V; readonly end: number } | undefined

function readValue(message: Buffer, at: number, wire: number): Read<bigint | Buffer> {
  if (wire === 0) return readVarint(message, at)
  if (wire === 1) return at + 8 > message.length ? undefined : { value: message.readBigUInt64LE(at), end: at + 8 }
  if (wire === 5) return at + 4 > message.length ? undefined : { value: BigInt(message.readUInt32LE(at)), end: at + 4 }
  if (wire !== 2) return undefined
  const length = readVarint(message, at)
  if (length === undefined || length.value > BigInt(message.length - length.end)) return undefined
  const end = length.end + Number(length.value)
  return { value: message.subarray(length.end, end), end }
}

function readVarint(message: Buffer, from: number): Read<bigint> {
  let value = 0n
  for (let at = from; at < message.length && at < from + 10; at++) {
    const byte = message[at] as number
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from))
    if (byte < 0x80) return { value, end: at + 1 }
  }
  return undefined
}

const tag = (number: number, wire: number): number => number * 8 + wire

// A negative int64 is ten bytes of its two's complement.
function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, BigInt(value))
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  bytes.push(Number(left))
  return Buffer.from(bytes)
}

function sizeOf(part: Part): number {
  if (part instanceof Uint8Array) return part.length
  return (part as readonly Part[]).reduce((sum, inner) => sum + sizeOf(inner), 0)
}

function collect(part: Part, into: Uint8Array[]): void {
  if (part instanceof Uint8Array) into.push(part)
  else for (const inner of part) collect(inner, into)
}
