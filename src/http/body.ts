import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Body, RawHeaders } from '../core/http.ts'

/** A body whose bytes are at hand. */
export function bytesBody(bytes: Uint8Array): Body {
  return {
    length: bytes.length,
    trailers: () => noTrailers,
    [Symbol.asyncIterator]: async function* () {
      if (bytes.length > 0) yield bytes
    },
    [held]: bytes,
  } as Body
}

/** The same with trailers after it, which have no place where a length is declared (RFC 9112, 7.1.2): it is sent without one. */
export function trailedBody(bytes: Uint8Array, trailers: RawHeaders): Body {
  const { [Symbol.asyncIterator]: chunks } = bytesBody(bytes)
  return { length: undefined, trailers: () => trailers, [Symbol.asyncIterator]: chunks }
}

/** A body that arrives on a Node stream. */
export function streamBody(
  stream: Readable,
  length: number | undefined,
  trailers: () => RawHeaders = () => noTrailers,
): Body {
  return {
    length,
    trailers,
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
    [source]: stream,
  } as Body
}

/** A body made by a generator. */
export function madeBody(
  chunks: AsyncIterable<Uint8Array>,
  length: number | undefined,
  trailers: () => RawHeaders = () => noTrailers,
): Body {
  return { length, trailers, [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator]() }
}

export type Collected =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'over'; readonly rest: Body }

/** A body that knows a faster way than iteration to keep the promise of `collect`. */
export type SelfCollecting = Body & { readonly [collecting]: (limit: number) => Promise<Collected> }

export const collecting = Symbol('collects itself')

/**
 * The whole body when it has at most `limit` bytes; else, as soon as that is clear, a body that gives everything from the start.
 * Rejects when the body breaks off, which it also does when its connection goes away.
 */
export function collect(body: Body, limit: number): Promise<Collected> {
  const known = body as { [held]?: Uint8Array; [source]?: Readable }
  if (known[held] !== undefined) {
    const bytes = known[held]
    return Promise.resolve({ kind: 'whole', bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) })
  }
  if (body.length !== undefined && body.length > limit) return Promise.resolve({ kind: 'over', rest: body })
  const own = (body as Partial<SelfCollecting>)[collecting]
  if (own !== undefined) return own.call(body, limit)
  return known[source] === undefined ? collectChunks(body, limit) : collectStream(known[source], body, limit)
}

// Events instead of iteration: for a body of one chunk an async iterator costs more than everything else here.
function collectStream(stream: Readable, body: Body, limit: number): Promise<Collected> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = (): void => {
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    }
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk)
      size += chunk.length
      if (size <= limit) return
      stream.pause()
      stop()
      resolve({ kind: 'over', rest: madeBody(chained(chunks, stream), body.length, body.trailers) })
    }
    const onEnd = (): void => {
      stop()
      resolve({ kind: 'whole', bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size) })
    }
    const onError = (cause: Error): void => {
      stop()
      reject(cause)
    }
    const onClose = (): void => onError(new Error('the body ended too early'))
    if (stream.destroyed && !stream.readableEnded) return onClose()
    if (stream.readableEnded) return onEnd()
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}

async function collectChunks(body: Body, limit: number): Promise<Collected> {
  const chunks: Uint8Array[] = []
  let size = 0
  const iterator = body[Symbol.asyncIterator]()
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    chunks.push(next.value)
    size += next.value.length
    if (size > limit)
      return {
        kind: 'over',
        rest: madeBody(chained(chunks, { [Symbol.asyncIterator]: () => iterator }), body.length, body.trailers),
      }
  }
  return { kind: 'whole', bytes: Buffer.concat(chunks, size) }
}

async function* chained(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* first
  yield* rest
}

/** Writes a body to a stream, waiting for it to drain; does not end it. */
export async function pump(body: Body, into: Writable): Promise<void> {
  for await (const chunk of body) {
    if (into.destroyed) throw new Error('the receiver is gone')
    if (!into.write(chunk)) await drained(into)
  }
}

/** Resolves when the stream takes more; rejects when it closes first. */
export async function drained(stream: Writable): Promise<void> {
  if (stream.destroyed) throw new Error('the receiver is gone')
  const gone = new AbortController()
  const closed = once(stream, 'close', { signal: gone.signal }).then(() => {
    throw new Error('the receiver is gone')
  })
  try {
    await Promise.race([once(stream, 'drain', { signal: gone.signal }), closed])
  } finally {
    gone.abort()
    closed.catch(() => undefined)
  }
}

const held = Symbol('bytes at hand')
const source = Symbol('source stream')
const noTrailers: RawHeaders = []

/** The bytes of a body made by bytesBody, or undefined. */
export function bytesAtHand(body: Body): Uint8Array | undefined {
  return (body as { [held]?: Uint8Array })[held]
}
