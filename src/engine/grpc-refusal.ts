import type { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders } from '../core/http.ts'
import { mediaType } from '../http/headers.ts'

/** Whether a request is a call of gRPC, which reads no other answer than its own (gRPC over HTTP/2, "Requests"). */
export function isGrpc(headers: RawHeaders): boolean {
  return grpcMedia.test(mediaType(headers))
}

/**
 * An error as gRPC tells it: 200, and status and message in the head, which is all there is ("Trailers-Only"). `marks` are fields of
 * ours that go with it.
 */
export function grpcRefusal(error: SallyportError, message: string, headers: RawHeaders, marks: RawHeaders): Answer {
  const fields = [
    'content-type',
    mediaType(headers),
    'grpc-status',
    String(grpcStatus(error)),
    'grpc-message',
    percentEncoded(message),
    ...marks,
  ]
  return { head: { status: 200, reason: 'OK', headers: fields, version: '2' }, body: null }
}

function grpcStatus({ code, status }: SallyportError): number {
  if (code === 'client_certificate_required') return unauthenticated
  return byHttpStatus[status] ?? internal
}

/** All but printable ASCII, and the percent sign (gRPC over HTTP/2, "Responses"). */
function percentEncoded(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

const grpcMedia = /^application\/grpc(-web(-text)?)?(\+[a-z0-9.-]{1,32})?$/
const unauthenticated = 16
const internal = 13
/** Codes of gRPC: 1 CANCELLED, 3 INVALID_ARGUMENT, 4 DEADLINE_EXCEEDED, 7 PERMISSION_DENIED, 8 RESOURCE_EXHAUSTED, 12 UNIMPLEMENTED, 14 UNAVAILABLE. */
const byHttpStatus: Readonly<Record<number, number>> = {
  400: 3,
  403: 7,
  405: 12,
  407: unauthenticated,
  408: 4,
  413: 8,
  414: 8,
  421: 3,
  429: 8,
  431: 8,
  499: 1,
  501: 12,
  502: 14,
  503: 14,
  504: 4,
  505: 12,
  508: 7,
}
