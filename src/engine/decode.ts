import { SallyportError } from '../core/errors.ts'
import type { Body, RawHeaders } from '../core/http.ts'
import { bytesBody, collect } from '../http/body.ts'
import { contentCodings, decodeContent } from '../http/encoding.ts'
import { mediaType } from '../http/headers.ts'
import { isBinary } from '../providers/encoded.ts'
import { decodeBody } from '../providers/json-text.ts'

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

/**
 * Reads a body for inspection: whole, with its codings undone. What is too large or cannot be decoded is policy's to decide;
 * media that hold no text are passed on unread.
 */
export async function decode(
  message: { readonly headers: RawHeaders; readonly body: Body | null },
  how: {
    readonly limit: number
    readonly oversize: 'block' | 'allow'
    readonly unreadable: 'block' | 'allow'
    /** The operation's body is text whatever its label says. */
    readonly alwaysText: boolean
    /** Media that could be text under a wrong label are looked into. */
    readonly looksInto: boolean
    /** Nothing but text makes sense as a body. */
    readonly neverBinary: boolean
  },
): Promise<Decoded> {
  if (message.body === null) return { kind: 'none' }
  const type = mediaType(message.headers)
  const labelled = isOpaque(type)
  const media = labelled && !how.alwaysText
  if (media && !how.looksInto) return { kind: 'opaque', body: message.body, why: type }
  const collected = await collect(message.body, how.limit)
  if (collected.kind === 'over') {
    if (media) return { kind: 'opaque', body: collected.rest, why: type }
    if (how.oversize === 'allow') return { kind: 'opaque', body: collected.rest, why: 'oversize' }
    throw new SallyportError('sallyport_too_large', `the body is larger than ${how.limit} bytes`)
  }
  const codings = contentCodings(message.headers)
  const content = codings.length === 0 ? collected.bytes : await decodeContent(collected.bytes, codings, how.limit)
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

/** Media without text that a model reads as such. */
export function isOpaque(type: string): boolean {
  return /^(image|audio|video|font|multipart)\/|^application\/(grpc|.*protobuf|proto|connect\+proto|zip|pdf|octet-stream|vnd\.amazon\.eventstream|wasm)/.test(
    type,
  )
}
