import { once } from 'node:events'
import type { Transform } from 'node:stream'
import { SallyportError } from '../core/errors.ts'
import { decodingStream } from '../http/encoding.ts'

/** The chunks with their codings undone, as they come. Rejects when a coding is unknown or untrue. */
export async function* decodedChunks(
  chunks: AsyncIterable<Uint8Array>,
  codings: readonly string[],
): AsyncGenerator<Uint8Array> {
  let decoded: AsyncIterable<Uint8Array> = chunks
  for (const coding of codings.toReversed()) decoded = through(decoded, decoderFor(coding))
  yield* decoded
}

/**
 * Decodes beside the way: `take` gets the decoded chunks; `write` resolves when what it was given has been taken; `end` says whether
 * all could be decoded. Both reject when `take` did.
 */
export function sideDecoder(
  codings: readonly string[],
  take: (plain: Uint8Array) => Promise<void>,
): { write: (chunk: Uint8Array) => Promise<void>; end: () => Promise<boolean> } {
  const decoder = codings.length === 1 ? decodingStream(codings[0] as string) : undefined
  if (decoder === undefined) return { write: async () => undefined, end: async () => false }
  let taken: Promise<void> = Promise.resolve()
  let broken = false
  decoder.on('data', (plain: Buffer) => {
    taken = taken.then(() => take(plain))
    // Heard by the next write or the end, which may come later than the rejection.
    taken.catch(() => undefined)
  })
  decoder.on('error', () => (broken = true))
  return {
    async write(chunk) {
      if (broken) return
      if (!decoder.write(chunk))
        await Promise.race([once(decoder, 'drain'), once(decoder, 'close')]).catch(() => undefined)
      await taken
    },
    async end() {
      if (!broken) {
        decoder.end()
        await once(decoder, 'close').catch(() => undefined)
      }
      await taken
      return !broken
    },
  }
}

function decoderFor(coding: string): Transform {
  const decoder = decodingStream(coding)
  if (decoder === undefined)
    throw new SallyportError('upstream_invalid', `the answer cannot be read: unknown coding ${coding}`)
  return decoder
}

async function* through(chunks: AsyncIterable<Uint8Array>, decoder: Transform): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]()
  let broken: { readonly cause: unknown } | undefined
  const feeding = feed(source, decoder).catch((cause: unknown) => {
    broken = { cause }
    decoder.destroy(cause instanceof Error ? cause : new Error('the source failed'))
  })
  try {
    yield* decoder
    await feeding
  } catch (thrown) {
    if (broken !== undefined) throw broken.cause
    throw new SallyportError('upstream_invalid', 'the answer is not what its Content-Encoding says', { cause: thrown })
  } finally {
    decoder.destroy()
    // Whoever stops early does not want the rest of the source either.
    source.return?.().catch(() => undefined)
  }
}

async function feed(source: AsyncIterator<Uint8Array>, decoder: Transform): Promise<void> {
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    if (decoder.destroyed) return
    if (!decoder.write(next.value)) await Promise.race([once(decoder, 'drain'), once(decoder, 'close')])
  }
  decoder.end()
}
