import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { withReusedReads } from './reused-reads.ts'

export type Relayed = { readonly up: number; readonly down: number; readonly error: string | null }

/**
 * Relays bytes both ways until both sides have ended, half-closes included; back-pressure by pausing. Resolves with the counts;
 * an error on one side resets the other, which must not take it for a clean end. Where the client speaks TLS to us, `clientTcp` is what
 * is under it and can be reset.
 */
export function relay(client: Duplex, origin: Duplex, clientTcp: Duplex = client): Promise<Relayed> {
  return new Promise((resolve) => {
    // One side may end long before the other: neither is to end itself for that.
    client.allowHalfOpen = true
    origin.allowHalfOpen = true
    const sides: Sides = {
      up: sideOf(client, clientTcp === client ? undefined : clientTcp),
      down: sideOf(origin, undefined),
    }
    const relaying = new Relaying(sides, resolve)
    relaying.start('up')
    relaying.start('down')
    // Whoever looked at the first bytes has paused them.
    client.resume()
    origin.resume()
  })
}

/** By where its bytes go: up to the origin, or down to the client. */
type Way = 'up' | 'down'

type Sides = Readonly<Record<Way, Side>>

/** One end of the relay: bytes are read from it one way and written to it the other. */
type Side = {
  stream: Duplex
  /** What a reset goes to, where it is not the stream. */
  readonly below: Duplex | undefined
  heard: (readonly [event: string, listener: () => void])[]
  read: number
  /** After so many bytes read it is worth the trouble to read with less of it. */
  bulk: number
}

class Relaying {
  readonly #sides: Sides
  readonly #resolve: (relayed: Relayed) => void
  #open = 2
  #failed: string | null = null

  constructor(sides: Sides, resolve: (relayed: Relayed) => void) {
    this.#sides = sides
    this.#resolve = resolve
  }

  start(way: Way): void {
    const side = this.#sides[way]
    hear(side, 'data', (chunk: Buffer) => {
      if (!this.#pass(way, chunk)) side.stream.pause()
      else if (side.read >= side.bulk) this.#lighten(way)
    })
    const ended = this.#follow(way)
    // Who went away before tells nobody again.
    if (side.stream.closed) process.nextTick(ended)
  }

  /** All but the bytes. Gives what is done when it closes. */
  #follow(way: Way): () => void {
    const side = this.#sides[way]
    const other = this.#sides[opposite[way]]
    hear(side, 'drain', () => other.stream.resume())
    if (side.stream.readableEnded) other.stream.end()
    else hear(side, 'end', () => other.stream.end())
    hear(side, 'error', (error: NodeJS.ErrnoException) => {
      this.#failed ??= error.code ?? error.message
      breakOff(other.below ?? other.stream)
    })
    const onClose = (): void => {
      if (!side.stream.readableEnded) other.stream.destroy()
      this.#open -= 1
      const { up, down } = this.#sides
      if (this.#open === 0) this.#resolve({ up: up.read, down: down.read, error: this.#failed })
    }
    hear(side, 'close', onClose)
    return onClose
  }

  /** Whether more can follow at once. */
  #pass(way: Way, bytes: Uint8Array): boolean {
    this.#sides[way].read += bytes.length
    return this.#sides[opposite[way]].stream.write(bytes)
  }

  /** Much has passed: the same connection is read with a buffer that is used again, as soon as nothing of it is in our hands. */
  #lighten(way: Way): void {
    const side = this.#sides[way]
    side.bulk *= 2
    process.nextTick(() => {
      if (side.stream.isPaused()) return
      const next = withReusedReads(side.stream, (bytes) => {
        const more = this.#pass(way, bytes)
        return { more, kept: this.#sides[opposite[way]].stream.writableLength > 0 }
      })
      if (next === undefined) return
      side.bulk = Number.POSITIVE_INFINITY
      for (const [event, listener] of side.heard) side.stream.off(event, listener)
      side.heard = []
      side.stream = next
      this.#follow(way)
      next.resume()
    })
  }
}

function sideOf(stream: Duplex, below: Duplex | undefined): Side {
  return { stream, below, heard: [], read: 0, bulk: bulkBytes }
}

function hear(side: Side, event: string, listen: (argument: never) => void): void {
  const listener = listen as () => void
  side.heard.push([event, listener])
  side.stream.on(event, listener)
}

function breakOff(socket: Duplex): void {
  if (socket instanceof Socket && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
  else socket.destroy()
}

const opposite = { up: 'down', down: 'up' } as const
const bulkBytes = 262_144
