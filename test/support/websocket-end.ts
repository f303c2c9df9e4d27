import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { closePayload } from '../../src/http/websocket-close.ts'
import { opcodes, readFrame, writeFrame, type Frame } from '../../src/http/websocket-frame.ts'

/** One end of a WebSocket that is open already, frame by frame. */
export type WebSocketEnd = {
  readonly socket: Duplex
  readonly send: (bytes: Uint8Array) => void
  readonly say: (opcode: number, content: string | Uint8Array) => void
  readonly close: (code: number, reason?: string) => void
  /** The next frame; undefined when the connection has ended, whichever way. */
  readonly hear: () => Promise<Frame | undefined>
  /** Its payload as text. */
  readonly text: () => Promise<string | undefined>
}

/** `masked` is for the client's end. */
export function websocketEnd(socket: Duplex, masked: boolean): WebSocketEnd {
  let rest: Buffer = Buffer.alloc(0)
  const chunks = socket.on('error', () => undefined)[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const send = (bytes: Uint8Array): void => void socket.write(bytes)
  const say: WebSocketEnd['say'] = (opcode, content) =>
    send(writeFrame(opcode, Buffer.from(content as string), masked ? { key: randomBytes(4) } : {}))
  const hear: WebSocketEnd['hear'] = async () => {
    for (;;) {
      const read = readFrame(rest, 1_000_000_000)
      if (read.kind === 'frame') {
        rest = rest.subarray(read.frame.raw.length)
        return read.frame
      }
      if (read.kind === 'invalid') throw new Error(read.reason)
      const next = await chunks.next().catch(() => ({ done: true }) as const)
      if (next.done === true) return undefined
      rest = Buffer.concat([rest, next.value])
    }
  }
  return {
    socket,
    send,
    say,
    close: (code, reason = '') => say(opcodes.close, closePayload(code, reason)),
    hear,
    text: async () => (await hear())?.payload.toString(),
  }
}
