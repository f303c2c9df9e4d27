import { randomBytes } from 'node:crypto'
import { constants } from 'node:http2'
import type { Http2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { drained } from './body.ts'
import { closeCodes, closePayload } from './websocket-close.ts'
import { Flow } from './websocket-flow.ts'
import { opcodes, writeFrame } from './websocket-frame.ts'
import type { Agreed } from './websocket-handshake.ts'
import type { Judge, MessageWay, Room } from './websocket-judge.ts'

export type RelayOptions = {
  /** With an unknown extension nothing is read: bytes pass, and `unread` is told. */
  readonly agreed: Exclude<Agreed, { kind: 'invalid' }>
  /** Of one message, in bytes. */
  readonly limit: number
  /** Told of what passes unread; without it a message over the limit ends the conversation with 1009. */
  readonly unread: ((way: MessageWay, bytes: number) => void) | undefined
  /** What messages in memory are counted against. */
  readonly room: Room
  /** How long both sides may be silent. */
  readonly silenceMs: number
}

/** How a conversation ended. */
export type Ending =
  /** With a Close; `code` is that of the first. */
  | { readonly kind: 'closed'; readonly code: number | undefined }
  /** A side went away without one. */
  | { readonly kind: 'broken'; readonly by: 'client' | 'origin' }
  /** By us; `way` is the direction of what was wrong, undefined when it was silence. */
  | { readonly kind: 'stopped'; readonly code: number; readonly way: MessageWay | undefined }

/**
 * Relays a WebSocket both ways, message by message: a message waits until it is judged and then passes as it came; control frames
 * do not wait for messages (RFC 6455, 5.4). Resolves when it is over; both sides are closed then or soon.
 */
export async function relayMessages(
  client: Duplex,
  origin: Duplex,
  judge: Judge,
  options: RelayOptions,
): Promise<Ending> {
  return new Conversation(client, origin, judge, options).run()
}

type Carrier = Pick<Flow, 'run' | 'closed' | 'midFrame'>

class Conversation {
  #ending: Ending | undefined
  #stopped = false
  #closes = 0
  #code: number | undefined
  #silence: NodeJS.Timeout | undefined
  readonly #client: Duplex
  readonly #origin: Duplex
  readonly #up: Carrier
  readonly #down: Carrier

  constructor(client: Duplex, origin: Duplex, judge: Judge, options: RelayOptions) {
    this.#client = client
    this.#origin = origin
    this.#up = this.#carrier('up', origin, judge, options)
    this.#down = this.#carrier('down', client, judge, options)
    if (Number.isFinite(options.silenceMs)) this.#silence = setTimeout(() => this.#silent(), options.silenceMs).unref()
  }

  async run(): Promise<Ending> {
    const [client, origin] = [this.#client, this.#origin]
    const clientGone = (): void => this.#gone('client', client, origin)
    const originGone = (): void => this.#gone('origin', origin, client)
    client.on('error', clientGone).on('close', clientGone).on('aborted', clientGone)
    origin.on('error', originGone).on('close', originGone).on('aborted', originGone)
    await Promise.all([
      this.#carry(this.#up, client, origin, 'client'),
      this.#carry(this.#down, origin, client, 'origin'),
    ])
    // What one side has not taken yet is waited for no longer than any silence.
    if ([client, origin].every((side) => side.destroyed || side.writableFinished)) clearTimeout(this.#silence)
    else this.#silence?.refresh()
    return this.#ending as Ending
  }

  #carrier(
    way: MessageWay,
    to: Duplex,
    judge: Judge,
    { agreed, limit, unread, room, silenceMs }: RelayOptions,
  ): Carrier {
    const told = unread && ((bytes: number): void => unread(way, bytes))
    const heard = Number.isFinite(silenceMs) ? (): void => void this.#silence?.refresh() : nothing
    if (agreed.kind === 'unknown') return rawCarrier(to, told, heard)
    return new Flow({
      way,
      to,
      judge,
      limit,
      room,
      unread: told,
      heard,
      stop: (code, reason) => this.#stop(code, reason, way),
      stopped: () => this.#stopped,
      closed: (code) => this.#closing(code),
      window: agreed.kind === 'deflate' ? agreed.deflate[way] : undefined,
    })
  }

  async #carry(carrier: Carrier, from: Duplex, to: Duplex, by: 'client' | 'origin'): Promise<void> {
    const whole = await carrier.run(from).then(
      () => !isBroken(from),
      () => {
        // What failed is neither side but the judge.
        if (!isBroken(from) && !isBroken(to)) this.#stop(closeCodes.internalError, 'internal error', undefined)
        return this.#stopped
      },
    )
    this.#over(carrier.closed ? 'closed' : by)
    if (whole) {
      if (to.writable) to.end()
    } else hangUp(to)
    // Without a Close there is nobody to answer.
    this.#endIn(this.#closes > 0 ? endingMs : closingMs)
  }

  #closing(code: number | undefined): void {
    this.#closes += 1
    if (this.#closes === 1) this.#code = code
    // Who closes the connection is the origin's to be (RFC 6455, 7.1.1), but it may forget.
    else this.#endIn(endingMs)
  }

  #over(by: 'client' | 'origin' | 'closed'): void {
    this.#ending ??= by === 'closed' || this.#closes > 0 ? { kind: 'closed', code: this.#code } : { kind: 'broken', by }
  }

  /** A side that has ended in order is left to its flow, which still has its last words to pass on. */
  #gone(by: 'client' | 'origin', side: Duplex, other: Duplex): void {
    if (!isBroken(side)) return
    this.#over(by)
    // What the origin said last may still be on its way to the client.
    if (by === 'client') abandon(other)
  }

  #stop(code: number, reason: string, way: MessageWay | undefined): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#ending ??= { kind: 'stopped', code, way }
    lastWord(this.#client, this.#down, closePayload(code, reason), {})
    // Why policy ended it is not the origin's business.
    const told = code === closeCodes.policyViolation ? closeCodes.goingAway : code
    lastWord(this.#origin, this.#up, closePayload(told, ''), { key: randomBytes(4) })
    // What still comes is read and thrown away: unread bytes would turn the close into a reset, and the reason would be lost.
    this.#endIn(closingMs)
  }

  #silent(): void {
    if (!this.#stopped && this.#ending === undefined)
      return this.#stop(closeCodes.goingAway, 'silent for too long', undefined)
    abandon(this.#client)
    abandon(this.#origin)
  }

  /** Lets both sides go a while after they have taken all that was said to them. */
  #endIn(ms: number): void {
    for (const side of [this.#client, this.#origin]) {
      const letGo = (): void => void setTimeout(() => abandon(side), ms).unref()
      if (side.writableEnded && !side.writableFinished) side.once('finish', letGo)
      else letGo()
    }
  }
}

/** Says Close where it can still be said. */
function lastWord(side: Duplex, carrier: Carrier, payload: Buffer, how: { key?: Buffer }): void {
  if (!side.writable) return
  if (carrier.midFrame) return abandon(side)
  side.end(carrier.closed ? undefined : writeFrame(opcodes.close, payload, how))
}

/** Bytes as they come. */
function rawCarrier(to: Duplex, unread: ((bytes: number) => void) | undefined, heard: () => void): Carrier {
  return {
    // Nobody can say whether a Close was among them.
    closed: true,
    midFrame: true,
    async run(from) {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        heard()
        unread?.((chunk as Buffer).length)
        if (!to.write(chunk)) await drained(to)
      }
    },
  }
}

/** Whether a side went away other than by ending in order: a reset of the connection, or of the stream. */
function isBroken(side: Duplex): boolean {
  if (isHttp2(side)) return side.aborted || side.rstCode !== constants.NGHTTP2_NO_ERROR
  return side.errored !== null || (side.destroyed && !side.readableEnded)
}

/** Ends a side whose other side broke, once what was said before has gone out: a reset stays one on HTTP/2 (RFC 8441, 5). */
function hangUp(side: Duplex): void {
  if (!side.writable) return
  if (!isHttp2(side)) return void side.end()
  side.write(nothingSaid, () => abandon(side))
}

function abandon(side: Duplex): void {
  if (isHttp2(side) && !side.closed) side.close(constants.NGHTTP2_CANCEL)
  else if (!isHttp2(side)) side.destroy()
}

function isHttp2(side: Duplex): side is Http2Stream {
  return 'rstCode' in side
}

const nothing = (): void => undefined
const nothingSaid = Buffer.alloc(0)
/** For the answer to a Close of ours. */
const closingMs = 2_000
/** For the rest once one side has ended. */
const endingMs = 10_000
