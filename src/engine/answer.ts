import { STATUS_CODES } from 'node:http'
import { errorCodes } from '../core/errors.ts'
import type { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders, Target } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { bytesBody } from '../http/body.ts'
import type { Identified } from '../providers/identify.ts'
import { grpcRefusal, isGrpc } from './grpc-refusal.ts'

/** An answer of our own in the caller's dialect (an error of the origin, a verdict of policy). The message never repeats what was found. */
export function refusal(
  error: SallyportError,
  about: { identified: Identified; target: Target; exchange: string; headers: RawHeaders },
): Answer {
  const status = errorCodes[error.code].status
  const message = `${error.message} (exchange ${about.exchange})`
  const mark = byPolicy.has(error.code) ? ['sallyport-decision', 'block'] : ['sallyport-error', error.code]
  const wait = error.retryAfterSeconds === undefined ? [] : ['retry-after', String(error.retryAfterSeconds)]
  const marks = [...mark, 'sallyport-exchange', about.exchange, ...wait]
  if (isGrpc(about.headers)) return grpcRefusal(error, message, about.headers, marks)
  const accept = headerOf(about.headers, 'accept') ?? ''
  const { provider, operation } = about.identified
  const spoken = provider.refuse(
    { code: error.code, status, message, accept },
    { operation, target: about.target, contentType: '' },
  )
  const body = Buffer.from(spoken.body)
  const headers = [
    ...marks,
    'content-type',
    spoken.contentType,
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
    ...(spoken.headers ?? []),
  ]
  return { head: { status, reason: STATUS_CODES[status] ?? '', headers, version: '1.1' }, body: bytesBody(body) }
}

/** An origin's answer with our marks, for those who asked to see them. */
export function marked(
  answer: Answer,
  about: { readonly exchange: { readonly id: string }; readonly decision: string },
): Answer {
  if (headerOf(answer.head.headers, 'sallyport-exchange') !== undefined) return answer
  const headers = [
    ...answer.head.headers,
    'sallyport-exchange',
    about.exchange.id,
    'sallyport-decision',
    about.decision,
  ]
  return { head: { ...answer.head, headers }, body: answer.body }
}

/** Codes that are a decision of policy rather than a failure. */
export const byPolicy: ReadonlySet<string> = new Set([
  'sallyport_blocked',
  'sallyport_too_large',
  'unreadable_body',
  'opaque_content',
  'hook_failed',
  'rate_limited',
])
