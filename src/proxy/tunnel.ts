import type { Socket } from 'node:net'
import { lastWords } from '../http/linger.ts'
import { alerts } from '../tls/alert.ts'
import { relay } from '../upstream/relay.ts'
import type { Connecting } from './connecting.ts'
import { firstBytes, wordsFor } from './peek.ts'
import { tcpOf } from './secure.ts'

/**
 * Relays a connection that policy does not inspect. SNI is read on the way, and must agree with the CONNECT host; where it may differ and
 * names a host that is inspected, the connection is `inspect`'s.
 */
export async function relayed(connecting: Connecting, inspect?: () => Promise<void>): Promise<void> {
  const { parts, outer, record } = connecting
  const origin = await dialled(connecting)
  connecting.establish()
  const origins = originSpeaks(origin)
  const first = await firstBytes(outer.socket, parts.handshakeTimeoutMs, origins.spoke)
  origins.stop()
  if (first.kind === 'hello') {
    record.set({ sni: first.sni ?? null })
    const decision = connecting.decideAgain(first.sni ?? null)
    if (decision.kind === 'deny') {
      record.set({ handling: 'deny', reason: decision.reason })
      origin.destroy()
      lastWords(outer.socket, alerts.unrecognizedName)
      return record.end()
    }
    if (decision.kind === 'inspect' && inspect !== undefined) {
      record.set({ handling: 'inspect', reason: decision.reason })
      origin.destroy()
      return inspect()
    }
  }
  if (first.kind === 'invalid' || (first.kind === 'silent' && first.hello)) {
    // What cannot be read, or not yet, may name another host, which policy may deny also where names may differ.
    record.set({
      handling: 'deny',
      reason: first.kind === 'silent' ? 'no whole ClientHello in time' : wordsFor.invalid,
    })
    origin.destroy()
    outer.socket.destroy()
    return record.end()
  }
  return carry(connecting, origin, first.kind === 'other' ? first.held : undefined)
}

/** A connection that carries any bytes to the origin; the row tells of what it was stamped with. */
export async function dialled({ parts, authority, record, via }: Connecting): Promise<Socket> {
  // A reload may bring another connector meanwhile, which would know nothing of this connection.
  const { connector } = parts
  const origin = await connector.tcp(authority, undefined, via)
  record.carried(connector.stampOf?.(origin))
  origin.on('error', () => undefined)
  return origin
}

/** Bytes as they are, both ways, to the end of both; `held` has been read from the client. */
export async function carry({ parts, outer, record }: Connecting, origin: Socket, held?: Buffer): Promise<void> {
  if (held !== undefined) origin.write(held)
  const { up, down, error } = await relay(outer.socket, origin, tcpOf(outer))
  parts.metrics.bytes('up').inc(up)
  parts.metrics.bytes('down').inc(down)
  record.set({ bytesUp: up + (held?.length ?? 0), bytesDown: down, error })
  record.end()
}

/** Where the server speaks first, there is no ClientHello to wait for. */
function originSpeaks(origin: Socket): { readonly spoke: Promise<void>; readonly stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = (): void => {
    origin.off('data', heard).off('close', heard)
    origin.pause()
  }
  const heard = (chunk?: Buffer): void => {
    stop()
    if (Buffer.isBuffer(chunk)) origin.unshift(chunk)
    resolve()
  }
  origin.on('data', heard).on('close', heard)
  return { spoke: promise, stop }
}
