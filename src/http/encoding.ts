import type { RawHeaders } from '../core/http.ts'
import { isKnownCoding, undone, UntrueCoding } from './decoder.ts'
import { valuesOf } from './headers.ts'

/** Content codings in the order they were applied (RFC 9110, 8.4), `identity` left out. */
export function contentCodings(headers: RawHeaders): string[] {
  return valuesOf(headers, 'content-encoding')
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
}

/** Whether all of them can be undone. */
export function canDecode(codings: readonly string[]): boolean {
  return codings.length <= maxCodings && codings.every(isKnownCoding)
}

export type Content =
  | { readonly kind: 'content'; readonly bytes: Buffer }
  /** The codings are unknown, more than two, untrue, or give more than the limit. */
  | { readonly kind: 'undecodable' }
  /** `take` refused. */
  | { readonly kind: 'full' }

/** The content with its codings undone. `take` is told of every byte that will be held, before it is. */
export async function decodeContent(
  bytes: Buffer,
  codings: readonly string[],
  limit: number,
  take: (bytes: number) => boolean = () => true,
): Promise<Content> {
  if (!canDecode(codings)) return { kind: 'undecodable' }
  const chunkSize = bytes.length < largeBytes ? undefined : largeChunk
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of layered(only(bytes), codings, chunkSize)) {
      size += chunk.length
      if (size > limit) return { kind: 'undecodable' }
      if (!take(chunk.length)) return { kind: 'full' }
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof UntrueCoding) return { kind: 'undecodable' }
    throw error
  }
  return { kind: 'content', bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size) }
}

/**
 * The chunks of a stream with their codings undone, each as soon as it has come: the next is asked for when what came of the one before has been
 * taken. Rejects with UntrueCoding, also when the content grows past what is plausible.
 */
export async function* decodedStream(
  chunks: AsyncIterable<Uint8Array>,
  codings: readonly string[],
): AsyncGenerator<Uint8Array> {
  let came = 0
  let gave = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      came += chunk.length
      yield chunk
    }
  }
  for await (const chunk of layered(counted(), codings)) {
    gave += chunk.length
    if (gave > freeBytes + came * maxRatio) throw new UntrueCoding('far more than came')
    yield chunk
  }
}

function layered(
  chunks: AsyncIterable<Uint8Array>,
  codings: readonly string[],
  chunkSize = usualChunk,
): AsyncIterable<Uint8Array> & AsyncIterable<Buffer> {
  let decoded = chunks as AsyncIterable<Buffer>
  for (const coding of codings.toReversed()) decoded = undone(decoded, coding, chunkSize)
  return decoded
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const maxCodings = 2
const usualChunk = 16_384
const largeBytes = 16_384
const largeChunk = 131_072
// A stream may be of any length, but not of any density: text rarely shrinks to a hundredth.
const freeBytes = 33_554_432
const maxRatio = 256
