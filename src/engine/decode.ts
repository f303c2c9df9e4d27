import { SallyportError } from '../core/errors.ts'
import type { Body, RawHeaders } from '../core/http.ts'
import { bytesBody } from '../http/body.ts'
import type { Lease } from '../http/budget.ts'
import { contentCodings } from '../http/encoding.ts'
import { mediaType } from '../http/headers.ts'
import { isBinary } from '../providers/encoded.ts'
import { decodeBody } from '../providers/json-text.ts'
import { collectDecoded } from './collect-decoded.ts'

/** A body as the engine can treat it. */
export type Decoded =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'text'
      readonly bytes: Buffer
      readonly text: string
      readonly charset: 'utf8' | 'latin1'
      readonly coded: boolean
    }
  /** Not read: passed on as it comes. */
  | { readonly kind: 'opaque'; readonly body: Body; readonly why: string }

type Message = { readonly headers: RawHeaders; readonly body: Body | null }

export type HowToRead = {
  readonly limit: number
  readonly oversize: 'block' | 'allow'
  readonly unreadable: 'block' | 'allow'
  /** The operation's body is text whatever its label says. */
  readonly alwaysText: boolean
  /** Media that could be text under a wrong label are looked into. */
  readonly looksInto: boolean
  /** Nothing but text makes sense as a body. */
  readonly neverBinary: boolean
}

/**
 * Reads a body for inspection: whole, with its codings undone. What is too large or cannot be decoded is policy's to decide;
 * media that hold no text are passed on unread.
 */
export async function decode(message: Message, how: HowToRead, lease?: Lease): Promise<Decoded> {
  if (message.body === null) return { kind: 'none' }
  const type = mediaType(message.headers)
  const labelled = isOpaque(type)
  const media = labelled && !how.alwaysText
  if (media && !how.looksInto) return { kind: 'opaque', body: message.body, why: type }
  const codings = contentCodings(message.headers)
  const collected = await collectDecoded(message.body, codings, how.limit, lease)
  if (collected.kind === 'over') {
    if (media) return { kind: 'opaque', body: collected.rest, why: type }
    if (how.oversize === 'allow') return { kind: 'opaque', body: collected.rest, why: 'oversize' }
    throw new SallyportError('sallyport_too_large', `the body is larger than ${how.limit} bytes`)
  }
  const { content } = collected
  const decoded = content === undefined ? undefined : decodeBody(content)
  const binary = decoded !== undefined && !type.startsWith('multipart/') && isBinary(decoded.text)
  if (decoded !== undefined && !binary)
    return { kind: 'text', bytes: collected.bytes, ...decoded, coded: codings.length > 0 }
  if (labelled && !how.neverBinary && (binary || media))
    return { kind: 'opaque', body: bytesBody(collected.bytes), why: type }
  if (how.unreadable === 'allow') return { kind: 'opaque', body: bytesBody(collected.bytes), why: 'unreadable' }
  // UTF-16, or control characters in front: some servers would read what no detector has seen.
  const why = binary ? 'is not text in UTF-8' : `cannot be decoded as ${codings.join(', ')}`
  throw new SallyportError('unreadable_body', `the body ${why}`)
}

/** Whether `decode` would wait for bytes of the body: those of others pass as they come, or are refused by their length. */
export function isRead({ headers, body }: Message, how: HowToRead): boolean {
  if (body === null || (isOpaque(mediaType(headers)) && !how.alwaysText && !how.looksInto)) return false
  return body.length === undefined || body.length <= how.limit
}

/** Media without text that a model reads as such. */
export function isOpaque(type: string): boolean {
  return /^(image|audio|video|font|multipart)\/|^application\/(grpc|.*protobuf|proto|connect\+proto|zip|pdf|octet-stream|vnd\.amazon\.eventstream|wasm)/.test(
    type,
  )
}
