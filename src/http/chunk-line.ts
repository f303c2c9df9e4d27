import { invalidAnswer } from './response-head.ts'

/** Reads the line in front of a chunk (RFC 9112, 7.1): its size in hexadecimal, and extensions, which are skipped. */
export type ChunkLine = {
  /** Reads from `at`; gives where it stopped. Throws `upstream_invalid`. */
  readonly push: (bytes: Uint8Array, at: number) => number
  /** Set once the line is complete. */
  readonly size: number | undefined
}

export function chunkLine(): ChunkLine {
  return new Line()
}

class Line implements ChunkLine {
  size: number | undefined = undefined
  #value = 0
  #length = 0
  #step: 'size' | 'blank' | 'extension' | 'line feed' = 'size'

  push(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      this.#take(bytes[at] as number)
      if (this.size !== undefined) return at + 1
    }
    return bytes.length
  }

  #take(byte: number): void {
    this.#length += 1
    if (this.#length > maxLine) throw invalidAnswer('a chunk extension that is too long')
    if (this.#step === 'size') this.#takeDigit(byte)
    else if (this.#step === 'line feed') {
      if (byte !== 10) throw invalidAnswer('a chunk size that does not end in CRLF')
      this.size = this.#value
    } else if (byte === 13 && this.#step === 'extension') this.#step = 'line feed'
    else if (this.#step === 'blank' && byte === 59) this.#step = 'extension'
    else if (this.#step === 'blank' ? byte !== 32 && byte !== 9 : (byte < 32 && byte !== 9) || byte === 127)
      throw badSize()
  }

  #takeDigit(byte: number): void {
    const value = hex[byte] as number
    if (value !== notHex) {
      this.#value = this.#value * 16 + value
      if (this.#value > maxChunk) throw invalidAnswer('a chunk size that is too large')
      return
    }
    if (this.#length === 1) throw badSize()
    if (byte === 13) this.#step = 'line feed'
    else if (byte === 59) this.#step = 'extension'
    else if (byte === 32 || byte === 9) this.#step = 'blank'
    else throw badSize()
  }
}

function badSize(): Error {
  return invalidAnswer('a malformed chunk size')
}

const notHex = 255
const hex = new Uint8Array(256).fill(notHex)
for (let value = 0; value < 16; value += 1) {
  hex[value.toString(16).charCodeAt(0)] = value
  hex[value.toString(16).toUpperCase().charCodeAt(0)] = value
}
// Exact as a number, and more than any body.
const maxChunk = 2 ** 48
const maxLine = 4_096
