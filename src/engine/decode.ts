import { SallyportError } from '../core/errors.ts'
import type { Body, RawHeaders } from '../core/http.ts'
import { bytesBody, collect } from '../http/body.ts'
import { contentCodings, decodeContent } from '../http/encoding.ts'
import { mediaType } from '../http/headers.ts'
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
    readonly alwaysText: boolean
  },
): Promise<Decoded> {
  if (message.body === null) return { kind: 'none' }
  const type = mediaType(message.headers)
  // A provider that expects JSON may read it whatever the label says.
  if (isOpaque(type) && !how.alwaysText) return { kind: 'opaque', body: message.body, why: type }
  const collected = await collect(message.body, how.limit)
  if (collected.kind === 'over') {
    if (how.oversize === 'allow') return { kind: 'opaque', body: collected.rest, why: 'oversize' }
    throw new SallyportError('sallyport_too_large', `the body is larger than ${how.limit} bytes`)
  }
  const codings = contentCodings(message.headers)
  const content = codings.length === 0 ? collected.bytes : await decodeContent(collected.bytes, codings, how.limit)
  if (content !== undefined)
    return { kind: 'text', bytes: collected.bytes, ...decodeBody(content), coded: codings.length > 0 }
  if (how.unreadable === 'allow') return { kind: 'opaque', body: bytesBody(collected.bytes), why: 'unreadable' }
  throw new SallyportError('unreadable_body', `the body cannot be decoded as ${codings.join(', ')}`)
}

/** Media without text that a model reads as such. */
export function isOpaque(type: string): boolean {
  return /^(image|audio|video|font|multipart)\/|^application\/(grpc|.*protobuf|proto|connect\+proto|zip|pdf|octet-stream|vnd\.amazon\.eventstream|wasm)/.test(
    type,
  )
}
