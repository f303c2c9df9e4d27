import { SallyportError } from '../core/errors.ts'
import { UntrueCoding } from '../http/decoder.ts'
import { canDecode, decodedStream } from '../http/encoding.ts'

/** The chunks with their codings undone, as they come. Rejects with `upstream_invalid` when a coding is unknown or untrue. */
export async function* decodedChunks(
  chunks: AsyncIterable<Uint8Array>,
  codings: readonly string[],
): AsyncGenerator<Uint8Array> {
  try {
    yield* decodedStream(chunks, codings)
  } catch (cause) {
    if (!(cause instanceof UntrueCoding)) throw cause
    throw new SallyportError('upstream_invalid', 'the answer is not what its Content-Encoding says', { cause })
  }
}

/**
 * Decodes beside the way: `take` gets the decoded chunks; `write` resolves when what it was given has been taken; `end` says whether
 * all could be decoded. Both reject when `take` did.
 */
export function sideDecoder(
  codings: readonly string[],
  take: (plain: Uint8Array) => Promise<void>,
): { write: (chunk: Uint8Array) => Promise<void>; end: () => Promise<boolean> } {
  if (!canDecode(codings)) return { write: async () => undefined, end: async () => false }
  const way = handOver()
  let broken = false
  const taking = (async () => {
    try {
      for await (const plain of decodedStream(way.chunks, codings)) await take(plain)
    } catch (error) {
      broken = true
      if (!(error instanceof UntrueCoding)) throw error
    } finally {
      way.close()
    }
  })()
  // Heard by the next write or the end, which may come later than the rejection.
  taking.catch(() => undefined)
  return {
    async write(chunk) {
      await way.give(chunk)
      if (broken) await taking
    },
    async end() {
      way.end()
      await taking
      return !broken
    },
  }
}

/** Chunks from a writer to a reader, one at a time: `give` resolves when the reader asks for the next, or has closed the way. */
function handOver(): {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly give: (chunk: Uint8Array) => Promise<void>
  readonly end: () => void
  readonly close: () => void
} {
  let asked = Promise.withResolvers<void>()
  let given = Promise.withResolvers<Uint8Array | undefined>()
  let closed = false
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      asked.resolve()
      const chunk = await given.promise
      if (chunk === undefined) return
      given = Promise.withResolvers()
      yield chunk
    }
  }
  return {
    chunks: chunks(),
    async give(chunk) {
      await asked.promise
      if (closed) return
      asked = Promise.withResolvers()
      given.resolve(chunk)
      await asked.promise
    },
    end: () => given.resolve(undefined),
    close() {
      closed = true
      asked.resolve()
    },
  }
}
