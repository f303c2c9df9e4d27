import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

export type Taken = {
  /** Whether more is wanted now; otherwise `resume` asks for it. */
  readonly more: boolean
  /** The bytes are still wanted after the call. */
  readonly kept: boolean
}

/**
 * The same connection, read into a buffer that is used again and again. Node makes a buffer of 64 KiB for every read, and where megabytes
 * pass, collecting them costs more than passing them on. `take` gets the bytes of each read; the socket given back has all other
 * events and is written to in the place of the old one, which closes with it. Undefined when the connection cannot be taken over now:
 * it is no plain TCP, something of it waits in memory, or a side has ended.
 */
export function withReusedReads(socket: Duplex, take: (bytes: Uint8Array) => Taken): Socket | undefined {
  if (!(socket instanceof Socket) || socket instanceof TLSSocket || !isQuiet(socket)) return undefined
  const old = socket as Owner
  const handle = old._handle
  if (typeof handle?.useUserBuffer !== 'function') return undefined
  let kept = false
  let size = smallBytes
  let current = Buffer.allocUnsafeSlow(size)
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: () => (kept || current.length !== size ? (current = Buffer.allocUnsafeSlow(size)) : current),
      callback(length: number, bytes: Uint8Array) {
        size = length === bytes.length ? largeBytes : length <= smallBytes ? smallBytes : size
        const taken = take(bytes.subarray(0, length))
        kept = taken.kept
        return taken.more
      },
    },
  }
  const next = new Socket(options as object) as Owner
  // Whichever is closed first closes the connection; the other must not wait to be told by it.
  next.once('close', () => {
    old._handle = null
    old.destroy()
  })
  old.once('close', () => {
    next._handle = null
    next.destroy()
  })
  return next
}

/** Nothing lies between the connection and its reader or writer, and both ways are open. */
function isQuiet(socket: Socket): boolean {
  const open = !socket.destroyed && socket.readable && socket.writable && !socket.connecting
  // A `drain` that is still to come would be heard by nobody.
  return open && socket.readableLength === 0 && socket.writableLength === 0 && !socket.writableNeedDrain
}

// Of Node's own making: a socket over a handle that is there, as its servers make them (`net.Socket`, option `handle`).
type Owner = Socket & { _handle?: { readonly useUserBuffer?: unknown } | null }

const largeBytes = 65_536
// What an idle connection holds.
const smallBytes = 2_048
