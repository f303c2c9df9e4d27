import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Body, RawHeaders } from '../core/http.ts'
import type { Lease } from './budget.ts'

/** A body whose bytes are at hand. */
export function bytesBody(bytes: Uint8Array): Body {
  return {
    length: bytes.length,
    trailers: () => noTrailers,
    [Symbol.asyncIterator]: () => only(bytes),
    [held]: bytes,
  } as Body
}

/** No generator function of each body's own: V8 would keep its bytes until the next collection of everything. */
async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
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
export type SelfCollecting = Body & {
  readonly [collecting]: (limit: number, lease?: Lease) => Promise<Collected>
}

export const collecting = Symbol('collects itself')

/**
 * The whole body when it has at most `limit` bytes; else, as soon as that is clear, a body that gives everything from the start.
 * What is held is taken from the lease; where it has no room, the body goes to disk and comes back when it has. Rejects when the body breaks
 * off, which it also does when its connection goes away, and with `overloaded` when there is no room on disk either.
 */
export function collect(body: Body, limit: number, lease?: Lease): Promise<Collected> {
  if (body.length !== undefined && body.length > limit) return Promise.resolve({ kind: 'over', rest: body })
  const known = body as { [held]?: Uint8Array; [source]?: Readable }
  if (known[held] !== undefined) {
    const bytes = known[held]
    if (lease?.take(bytes.length * copies) === false) return spilled(body, limit, lease, 0)
    return Promise.resolve({ kind: 'whole', bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) })
  }
  const own = (body as Partial<SelfCollecting>)[collecting]
  if (own !== undefined) return own.call(body, limit, lease)
  return known[source] === undefined
    ? collectChunks(body, limit, lease)
    : collectStream(known[source], body, limit, lease)
}

/** How often a body is in memory while it is inspected: its bytes, and the text they spell. */
export const copies = 2

/** The body from its start, of which `size` bytes are in memory and counted, when more than `limit` has come. */
export function over(rest: Body, size: number, lease: Lease | undefined): Collected {
  if (lease === undefined) return { kind: 'over', rest }
  lease.passing = true
  return { kind: 'over', rest: returning(rest, size, lease) }
}

/** Collects on disk a body for which there is no room: `rest` gives it from its start, of which `size` bytes are in memory and counted. */
export async function spilled(rest: Body, limit: number, lease: Lease, size: number): Promise<Collected> {
  const file = lease.spool()
  const iterator = rest[Symbol.asyncIterator]()
  let counted = size
  let total = 0
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    await file.write(next.value)
    const gone = Math.min(counted, next.value.length)
    counted -= gone
    lease.give(gone * copies)
    total += next.value.length
    if (total > limit) {
      lease.passing = true
      const all = chained(file.chunks(), { [Symbol.asyncIterator]: () => iterator })
      return { kind: 'over', rest: madeBody(all, rest.length, rest.trailers) }
    }
  }
  await lease.wait(total * copies)
  const bytes = await file.whole()
  file.close()
  return { kind: 'whole', bytes }
}

// Events instead of iteration: for a body of one chunk an async iterator costs more than everything else here.
function collectStream(stream: Readable, body: Body, limit: number, lease: Lease | undefined): Promise<Collected> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = (): void => {
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    }
    const rest = (): Body => {
      stream.pause()
      stop()
      return madeBody(chained(leaving(chunks), stream), body.length, body.trailers)
    }
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk)
      if (lease?.take(chunk.length * copies) === false) return resolve(spilled(rest(), limit, lease, size))
      size += chunk.length
      if (size > limit) resolve(over(rest(), size, lease))
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

async function collectChunks(body: Body, limit: number, lease: Lease | undefined): Promise<Collected> {
  const chunks: Uint8Array[] = []
  let size = 0
  const iterator = body[Symbol.asyncIterator]()
  const rest = (): Body =>
    madeBody(chained(leaving(chunks), { [Symbol.asyncIterator]: () => iterator }), body.length, body.trailers)
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    chunks.push(next.value)
    if (lease?.take(next.value.length * copies) === false) return spilled(rest(), limit, lease, size)
    size += next.value.length
    if (size > limit) return over(rest(), size, lease)
  }
  return { kind: 'whole', bytes: Buffer.concat(chunks, size) }
}

/** Gives the room of the first `size` bytes back as they leave. */
function returning(body: Body, size: number, lease: Lease): Body {
  async function* pass(): AsyncGenerator<Uint8Array> {
    let counted = size
    for await (const chunk of body) {
      yield chunk
      const gone = Math.min(counted, chunk.length)
      counted -= gone
      lease.give(gone * copies)
    }
  }
  return madeBody(pass(), body.length, body.trailers)
}

/** The chunks, each let go as it leaves. */
function* leaving(chunks: Uint8Array[]): Generator<Uint8Array> {
  chunks.reverse()
  for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop()) yield chunk
}

async function* chained(
  first: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first
  yield* rest
}

/** Nobody wants the rest: the origin need not send it, nor a connection hold it. */
export function abandon(body: Body | null): void {
  body?.[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined)
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
