import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'

/** Bytes that are not what their coding says, or more of them than could be meant. */
export class UntrueCoding extends Error {}

/** Whether a coding can be undone. */
export function isKnownCoding(coding: string): boolean {
  return Object.hasOwn(decoders, coding)
}

/**
 * The chunks with one coding undone, in step: what a chunk sets free is given before the next is asked for. Rejects with UntrueCoding; also for
 * bytes after the end of the coded content, which one reader sees and another does not. No bytes at all are no content.
 */
export async function* undone(
  chunks: AsyncIterable<Uint8Array>,
  coding: string,
  chunkSize: number,
): AsyncGenerator<Buffer> {
  const make = decoders[coding]
  if (make === undefined) throw new UntrueCoding('unknown coding')
  let decoder: Decoder | undefined
  let begin: Buffer = nothing
  try {
    for await (const chunk of chunks) {
      if (decoder !== undefined) yield* decoder.feed(chunk)
      else {
        begin = begin.length === 0 ? Buffer.from(chunk) : Buffer.concat([begin, chunk])
        if (begin.length < (coding === 'deflate' ? wrapperBytes : 1)) continue
        decoder = new Decoder(make(begin, chunkSize))
        yield* decoder.feed(begin)
      }
    }
    if (decoder === undefined && begin.length === 0) return
    if (decoder === undefined) throw new UntrueCoding('too short')
    yield* decoder.finish()
  } finally {
    decoder?.close()
  }
}

/** A zlib stream fed piece by piece: what comes out of a piece is taken before the next goes in. */
class Decoder {
  readonly #stream: ZlibStream
  #given = 0
  #ended = false
  #broken: Error | undefined
  #wake = (): void => undefined

  constructor(stream: ZlibStream) {
    this.#stream = stream
    const wake = (): void => this.#wake()
    stream.on('readable', wake).on('close', wake)
    stream.on('end', () => {
      this.#ended = true
      wake()
    })
    stream.on('error', (error) => {
      this.#broken = error
      wake()
    })
  }

  async *feed(bytes: Uint8Array): AsyncGenerator<Buffer> {
    if (bytes.length === 0) return
    if (this.#ended) throw new UntrueCoding('bytes after the end')
    this.#given += bytes.length
    let taken = false
    this.#stream.write(bytes, () => {
      taken = true
      this.#wake()
    })
    yield* this.#out(() => taken || this.#ended)
    if (this.#stream.bytesWritten !== this.#given) throw new UntrueCoding('bytes after the end')
  }

  async *finish(): AsyncGenerator<Buffer> {
    if (!this.#ended) this.#stream.end()
    yield* this.#out(() => this.#ended)
  }

  close(): void {
    this.#stream.destroy()
  }

  async *#out(isDone: () => boolean): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.#broken !== undefined) throw new UntrueCoding('not what it says', { cause: this.#broken })
      const bytes = this.#stream.read() as Buffer | null
      if (bytes !== null) yield bytes
      else if (isDone()) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

type ZlibStream = Transform & { readonly bytesWritten: number }

// RFC 1950, 2.2. Some senders leave this wrapper out (RFC 9110, 8.4.1.2).
function isWrapped([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 15) === 8 && (first * 256 + second) % 31 === 0
}

const decoders: Record<string, ((begin: Uint8Array, chunkSize: number) => ZlibStream) | undefined> = {
  gzip: (_, chunkSize) => createGunzip({ chunkSize }),
  'x-gzip': (_, chunkSize) => createGunzip({ chunkSize }),
  deflate: (begin, chunkSize) => (isWrapped(begin) ? createInflate({ chunkSize }) : createInflateRaw({ chunkSize })),
  br: (_, chunkSize) => createBrotliDecompress({ chunkSize }),
  // RFC 9659: no window larger than 8 MB in HTTP.
  zstd: (_, chunkSize) => createZstdDecompress({ chunkSize, params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
}

const wrapperBytes = 2
const nothing = Buffer.alloc(0)
