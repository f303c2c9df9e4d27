import { SallyportError } from '../core/errors.ts'
import type { RawHeaders, Request, RequestHead } from '../core/http.ts'
import { headerOf } from '../core/http.ts'
import { endToEnd } from '../http/headers.ts'
import { bracketed } from './origin.ts'

export type RequestText = {
  /** Request line and field lines with the empty line, latin1. */
  readonly text: string
  /** The body goes in chunks, because its length is not known. */
  readonly chunked: boolean
  /** The origin is asked for `100 Continue` before it gets the body (RFC 9110, 10.1.1). */
  readonly expects: boolean
  /** It authenticates the connection rather than itself (NTLM, Negotiate: RFC 4559, 6): nobody else's request may follow on it. */
  readonly personal?: boolean
}

/** For a proxy the target names its origin (RFC 9112, 3.2.2); `fields` are for the proxy alone. */
export type AbsoluteForm = { readonly fields: RawHeaders }

/**
 * A request's head for HTTP/1.1: its end-to-end fields in their order and case, framed as its body is. Throws
 * `malformed_request` for what would read as something else on the wire.
 */
export function requestText(request: Request, absolute?: AbsoluteForm): RequestText {
  const { head, body } = request
  const fields = endToEnd(head.headers)
  const length = body === null ? undefined : body.length
  const chunked = body !== null && length === undefined
  let lines = ''
  let declared = false
  let hosted = false
  let expects = false
  let personal = false
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    let value = fields[i + 1] as string
    if (isNamed(name, 'content-length')) {
      if (declared || chunked || (body === null && value !== '0')) continue
      declared = true
      if (length !== undefined) value = String(length)
    } else if (isNamed(name, 'host')) hosted = true
    else if (isNamed(name, 'expect')) expects = body !== null && length !== 0 && value.toLowerCase() === '100-continue'
    else if (isNamed(name, 'authorization')) personal ||= /^(?:ntlm|negotiate)\b/i.test(value)
    lines += fieldLine(name, value)
  }
  if (!hosted) lines = `Host: ${authority(request)}\r\n${lines}`
  if (chunked) lines += 'Transfer-Encoding: chunked\r\n'
  else if (length !== undefined && !declared) lines += `Content-Length: ${length}\r\n`
  if (takesTrailers(head)) lines += 'TE: trailers\r\nConnection: TE\r\n'
  if (absolute !== undefined) lines += fieldLines(absolute.fields)
  return { text: `${requestLine(request, absolute !== undefined)}${lines}\r\n`, chunked, expects, personal }
}

/** Whether the client wants trailers and gets them (RFC 9110, 10.1.4): HTTP/1.0 has no place for any. */
function takesTrailers({ headers, version }: RequestHead): boolean {
  const coding = version === '1.0' ? undefined : headerOf(headers, 'te')
  return coding !== undefined && /(^|[,\s])trailers($|[,;\s])/i.test(coding)
}

/** A head with exactly these fields and no body. */
export function bareText(request: Request, headers: RawHeaders): string {
  const hosted = headerOf(headers, 'host') !== undefined
  return `${requestLine(request)}${hosted ? '' : `Host: ${authority(request)}\r\n`}${fieldLines(headers)}\r\n`
}

/** The trailer section of a chunked body with its empty line; fields that frame or address a message are left out (RFC 9110, 6.5.1). */
export function trailerText(trailers: RawHeaders): string {
  const fields = trailers.length === 0 ? trailers : endToEnd(trailers)
  let lines = ''
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (!isNamed(name, 'content-length') && !isNamed(name, 'host')) lines += fieldLine(name, fields[i + 1] as string)
  }
  return `${lines}\r\n`
}

function requestLine(request: Request, absolute = false): string {
  const { method, target } = request.head
  const path = `${target.path}${target.query}`
  if (!token.test(method)) throw malformed('the method is not a token')
  if (!targetForm.test(path)) throw malformed('the target has a character that a URI cannot have')
  if (!absolute) return `${method} ${path} HTTP/1.1\r\n`
  // OPTIONS for the origin as a whole has no path (RFC 9112, 3.2.4).
  return `${method} ${target.scheme}://${authority(request)}${path === '*' ? '' : path} HTTP/1.1\r\n`
}

function fieldLines(headers: RawHeaders): string {
  let lines = ''
  for (let i = 0; i < headers.length; i += 2) lines += fieldLine(headers[i] as string, headers[i + 1] as string)
  return lines
}

function fieldLine(name: string, value: string): string {
  if (!token.test(name)) throw malformed('a field name is not a token')
  if (unwritable.test(value)) throw malformed(`the field ${name} has a character that a field cannot have`)
  return `${name}: ${value}\r\n`
}

function authority({ head: { target } }: Request): string {
  const usual = target.port === (target.scheme === 'https' ? 443 : 80)
  return usual ? bracketed(target.host) : `${bracketed(target.host)}:${target.port}`
}

function isNamed(name: string, lower: string): boolean {
  return name.length === lower.length && name.toLowerCase() === lower
}

function malformed(message: string): SallyportError {
  return new SallyportError('malformed_request', message)
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const targetForm = /^[\x21-\x7e\x80-\xff]+$/
// Beyond latin1 a character would be cut to its low byte, which may be a line end.
const unwritable = /[^\t\x20-\x7e\x80-\xff]/
