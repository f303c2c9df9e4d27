import type { Request } from '../core/http.ts'
import { valuesOf, withHeader } from '../http/headers.ts'

/** The request with its cookie fields as one: HTTP/2 may split them, HTTP/1.1 may not (RFC 9113, 8.2.3). */
export function withOneCookie(request: Request): Request {
  const { head } = request
  if (head.version !== '2') return request
  const values = valuesOf(head.headers, 'cookie')
  if (values.length < 2) return request
  return { head: { ...head, headers: withHeader(head.headers, 'cookie', values.join('; ')) }, body: request.body }
}
