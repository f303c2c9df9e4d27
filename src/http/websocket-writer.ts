import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { drained } from './body.ts'
import { Deflater } from './websocket-deflate.ts'
import { writeFrame } from './websocket-frame.ts'
import type { Window } from './websocket-handshake.ts'
import type { MessageWay } from './websocket-judge.ts'

/**
 * What goes out in one direction: frames as they came, and frames of ours. Nothing goes once `stopped` says so. Each call resolves when
 * there is room for the next.
 */
export class FrameWriter {
  #deflater: Deflater | undefined
  readonly #terms: WriterTerms

  constructor(terms: WriterTerms) {
    this.#terms = terms
  }

  /**
   * Whether compressed messages have to be compressed anew: from the first changed one on the receiver's window is not the sender's any
   * more.
   */
  get anew(): boolean {
    return this.#deflater !== undefined
  }

  async raw(bytes: Buffer): Promise<void> {
    const { to, stopped } = this.#terms
    if (!stopped() && !to.write(bytes)) await drained(to)
  }

  /** One frame that is not compressed. */
  async frame(opcode: number, payload: Buffer, fin = true): Promise<void> {
    return this.raw(writeFrame(opcode, payload, { ...this.#masking, fin }))
  }

  /** A whole message, in one frame; compressed if it came so. */
  async message({ opcode, rsv1 }: { readonly opcode: number; readonly rsv1: boolean }, content: Buffer): Promise<void> {
    const { window } = this.#terms
    if (!rsv1 || window === undefined) return this.frame(opcode, content)
    const deflater = this.#deflater ?? new Deflater(window)
    if (window.takeover) this.#deflater = deflater
    return this.raw(writeFrame(opcode, await deflater.message(content), { ...this.#masking, rsv1: true }))
  }

  close(): void {
    this.#deflater?.close()
  }

  get #masking(): { readonly key?: Buffer } {
    return this.#terms.way === 'up' ? { key: randomBytes(4) } : {}
  }
}

export type WriterTerms = {
  readonly to: Duplex
  /** Frames to an origin are masked. */
  readonly way: MessageWay
  readonly stopped: () => boolean
  /** How it is compressed; undefined when it is not. */
  readonly window: Window | undefined
}
