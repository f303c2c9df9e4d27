import { METHODS } from 'node:http'
import type { Socket } from 'node:net'
import { peekClientHello } from '../tls/client-hello.ts'
import type { Peek } from '../tls/client-hello.ts'

export type FirstBytes =
  | Exclude<Peek, { kind: 'more' } | { kind: 'not-tls' }>
  | { readonly kind: 'http' }
  /** `held`: all that came before the client ended its side, which cannot be put back any more. */
  | { readonly kind: 'other'; readonly held?: Buffer }
  | { readonly kind: 'closed' }
  /** `hello`: it has begun one, and not ended it. */
  | { readonly kind: 'silent'; readonly hello: boolean }

/**
 * Looks at what the client sends first, and puts it back: nothing is consumed. `enough` ends the wait early, which is then for as long as it
 * takes: the time begins with the first byte. What could still become TLS or HTTP when the time is over is `silent`: to take it for something
 * else would let the rest of it pass unread.
 */
export function firstBytes(socket: Socket, timeoutMs: number, enough?: Promise<void>): Promise<FirstBytes> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0)
    let settled = false
    // A client may end its side right behind its bytes, and still wait for what they get.
    const { allowHalfOpen } = socket
    socket.allowHalfOpen = true
    const settle = (outcome: FirstBytes): void => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd)
      socket.pause()
      if (!socket.readableEnded) socket.allowHalfOpen = allowHalfOpen
      if (seen.length > 0 && !socket.destroyed && !socket.readableEnded) socket.unshift(seen)
      resolve(outcome)
    }
    const late = (): void => settle({ kind: 'silent', hello: seen[0] === handshakeRecord })
    let timer = enough === undefined ? setTimeout(late, timeoutMs) : undefined
    const onData = (chunk: Buffer): void => {
      timer ??= setTimeout(late, timeoutMs)
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
      const kind = classify(seen)
      if (kind !== undefined) settle(kind)
    }
    const onEnd = (): void =>
      settle(
        seen.length === 0 ? { kind: 'closed' } : { kind: 'other', ...(socket.readableEnded ? { held: seen } : {}) },
      )
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd)
    // Who went away before tells nobody again.
    if (socket.closed) return onEnd()
    enough?.then(onEnd, onEnd)
    socket.resume()
  })
}

/** What the bytes begin; undefined while they could still begin more than one thing. */
export function classify(bytes: Buffer): FirstBytes | undefined {
  const hello = peekClientHello(bytes)
  if (hello.kind === 'more') return undefined
  if (hello.kind !== 'not-tls') return hello
  // Empty lines in front of a request are skipped by those who read it (RFC 9112, 2.2).
  const text = bytes.toString('latin1', 0, 64).replace(/^[\r\n]+/, '')
  if (methods.some((method) => text.startsWith(method))) return { kind: 'http' }
  return bytes.length < 64 && methods.some((method) => method.startsWith(text)) ? undefined : { kind: 'other' }
}

/** For a record: why these bytes are not what a CONNECT is for. */
export const wordsFor = {
  other: 'not TLS',
  closed: 'closed before a byte',
  silent: 'no byte in time',
  invalid: 'not a valid ClientHello',
} as const satisfies Partial<Record<FirstBytes['kind'], string>>

// RFC 8446, 5.1.
const handshakeRecord = 22
const methods = [...METHODS, 'PRI'].map((method) => `${method} `)
