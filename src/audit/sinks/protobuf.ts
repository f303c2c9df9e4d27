/**
 * Writes the fields of one message after another: number, then value (protobuf.dev, "Encoding"). What has the default value is left out by
 * the caller.
 */
export type FieldWriter = {
  readonly varint: (number: number, value: number) => void
  readonly fixed64: (number: number, value: bigint) => void
  readonly double: (number: number, value: number) => void
  readonly bytes: (number: number, value: Uint8Array) => void
  readonly string: (number: number, value: string) => void
  /** A message inside; `write` writes its fields. */
  readonly message: (number: number, write: () => void) => void
}

/** The bytes of a message. Varints are integers that a number holds exactly. */
export function encoded(write: (writer: FieldWriter) => void): Buffer {
  const bytes = new GrowingBytes()
  const head = (number: number, wire: number): void => bytes.varint(number * 8 + wire)
  write({
    varint: (number, value) => (head(number, 0), bytes.integer(value)),
    fixed64: (number, value) => (head(number, 1), bytes.fixed64(value)),
    double: (number, value) => (head(number, 1), bytes.double(value)),
    bytes: (number, value) => (head(number, 2), bytes.varint(value.length), bytes.raw(value)),
    string: (number, value) => (head(number, 2), bytes.measured(() => bytes.text(value))),
    message: (number, inner) => (head(number, 2), bytes.measured(inner)),
  })
  return bytes.taken()
}

/** Owns a buffer that grows. */
class GrowingBytes {
  #buffer = Buffer.allocUnsafe(65_536)
  #at = 0

  taken(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  /** Up to 2^53. */
  varint(value: number): void {
    this.#need(10)
    let left = value
    for (; left > 0x7f; left = Math.floor(left / 128)) this.#buffer[this.#at++] = (left % 128) + 128
    this.#buffer[this.#at++] = left
  }

  /** A negative int64 is ten bytes of its two's complement. */
  integer(value: number): void {
    if (value >= 0) return this.varint(value)
    this.#need(10)
    let left = BigInt.asUintN(64, BigInt(value))
    for (; left > 0x7fn; left >>= 7n) this.#buffer[this.#at++] = Number(left & 0x7fn) | 0x80
    this.#buffer[this.#at++] = Number(left)
  }

  fixed64(value: bigint): void {
    this.#need(8)
    this.#at = this.#buffer.writeBigUInt64LE(value, this.#at)
  }

  double(value: number): void {
    this.#need(8)
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
  }

  raw(value: Uint8Array): void {
    this.#need(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  text(value: string): void {
    this.#need(value.length * 3)
    this.#at += this.#buffer.write(value, this.#at, 'utf8')
  }

  /** What `write` writes, behind its length. */
  measured(write: () => void): void {
    this.#need(1)
    const start = this.#at++
    write()
    const length = this.#at - start - 1
    if (length <= 0x7f) {
      this.#buffer[start] = length
      return
    }
    // The length needs more than the byte that was left for it.
    const more = Math.floor(Math.log2(length) / 7)
    this.#need(more)
    this.#buffer.copyWithin(start + 1 + more, start + 1, this.#at)
    this.#at = start
    this.varint(length)
    this.#at += length
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes))
    larger.set(this.#buffer)
    this.#buffer = larger
  }
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
