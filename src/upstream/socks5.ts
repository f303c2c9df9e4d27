import { isIP } from 'node:net'
import { addressBytes } from '../lib/address-bytes.ts'
import type { Parsed } from './receive.ts'

export type Credentials = { readonly user: string; readonly password: string }

/** The first message of a client (RFC 1928, 3): without authentication, or also with name and password. */
export function greeting(credentials: Credentials | undefined): Buffer {
  return Buffer.from(credentials === undefined ? [5, 1, 0] : [5, 2, 0, 2])
}

export type Method = 'none' | 'password' | 'no-method'

/** The method that the server chose. Throws RangeError for what is no answer to `greeting`. */
export function chosenMethod(bytes: Buffer): Parsed<Method> {
  expectByte(bytes, 0, 5, 'it does not speak SOCKS5')
  if (bytes.length < 2) return more
  const method = methods[bytes[1] as number]
  if (method === undefined) throw new RangeError('it chose a way to authenticate that was not offered')
  return { kind: 'done', value: method, length: 2 }
}

/** Name and password (RFC 1929, 2). Throws RangeError when they do not fit. */
export function passwordRequest({ user, password }: Credentials): Buffer {
  const [name, secret] = [Buffer.from(user), Buffer.from(password)]
  if (![name, secret].every(({ length }) => length >= 1 && length <= 255)) {
    throw new RangeError('SOCKS5 takes a name and a password of 1 to 255 bytes')
  }
  return Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([secret.length]), secret])
}

/** Whether the server took name and password. */
export function passwordAccepted(bytes: Buffer): Parsed<boolean> {
  expectByte(bytes, 0, 1, 'its answer to the password breaks RFC 1929')
  return bytes.length < 2 ? more : { kind: 'done', value: bytes[1] === 0, length: 2 }
}

/** CONNECT (RFC 1928, 4); a name is sent as such, for the server to resolve. Throws RangeError for a name that does not fit. */
export function connectRequest(host: string, port: number): Buffer {
  return Buffer.concat([Buffer.from([5, 1, 0]), destination(host), Buffer.from([port >> 8, port & 255])])
}

function destination(host: string): Buffer {
  const family = isIP(host)
  if (family !== 0) return Buffer.concat([Buffer.from([family === 4 ? 1 : 4]), addressBytes(host)])
  const name = Buffer.from(host, 'latin1')
  if (name.length < 1 || name.length > 255) throw new RangeError('SOCKS5 takes a name of 1 to 255 bytes')
  return Buffer.concat([Buffer.from([3, name.length]), name])
}

/** The server's reply (RFC 1928, 6): `opened`, or its refusal in words. */
export function connectReply(bytes: Buffer): Parsed<string> {
  expectByte(bytes, 0, 5, 'its reply breaks RFC 1928')
  expectByte(bytes, 2, 0, 'its reply breaks RFC 1928')
  if (bytes.length < 2) return more
  const code = bytes[1] as number
  // A server that refuses may close before the rest, which says nothing then.
  if (code !== 0) return { kind: 'done', value: replies[code] ?? `code ${code}`, length: bytes.length }
  if (bytes.length < 5) return more
  const size = boundSize(bytes[3] as number, bytes[4] as number)
  if (size === undefined) throw new RangeError('its reply has an address of no known type')
  const length = 4 + size + 2
  return bytes.length < length ? more : { kind: 'done', value: opened, length }
}

/** The reply of a server that has made the connection. */
export const opened = 'succeeded'

function boundSize(type: number, first: number): number | undefined {
  if (type === 1) return 4
  if (type === 4) return 16
  return type === 3 ? 1 + first : undefined
}

function expectByte(bytes: Buffer, at: number, value: number, otherwise: string): void {
  if (bytes.length > at && bytes[at] !== value) throw new RangeError(otherwise)
}

const methods: Readonly<Record<number, Method>> = { 0: 'none', 2: 'password', 255: 'no-method' }
const replies: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'time to live expired',
  7: 'command not supported',
  8: 'address type not supported',
}
const more = { kind: 'more' } as const
