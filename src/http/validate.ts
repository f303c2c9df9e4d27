import type { ErrorCode } from '../core/errors.ts'
import type { HttpVersion, RawHeaders } from '../core/http.ts'
import { valuesOf } from './headers.ts'

export type Fault = { readonly code: ErrorCode; readonly message: string }

/**
 * What Node's parser lets through although two parsers could read it differently (RFC 9112, 3.2, 6.1, 6.3; RFC 9110, 8.6).
 * Undefined when the request has one reading.
 */
export function faultIn(method: string, target: string, version: HttpVersion, headers: RawHeaders): Fault | undefined {
  return (
    faultyTarget(method, target) ??
    faultyHost(version, headers) ??
    faultyFraming(version, headers) ??
    faultyFields(headers)
  )
}

function faultyTarget(method: string, target: string): Fault | undefined {
  if (target === '*') return method === 'OPTIONS' ? undefined : malformed('target * is for OPTIONS only')
  if (!/^[\x21-\x7e\x80-\xff]+$/.test(target)) return malformed('the target has a character that a URI cannot have')
  if (target.includes('#')) return malformed('the target has a fragment')
  return undefined
}

function faultyHost(version: HttpVersion, headers: RawHeaders): Fault | undefined {
  const hosts = valuesOf(headers, 'host')
  if (hosts.length > 1) return malformed('more than one Host')
  if (hosts.length === 0) return version === '1.1' ? malformed('no Host') : undefined
  return /^[A-Za-z0-9._~-]*(:\d*)?$|^\[[0-9A-Fa-f:.]+\](:\d*)?$/.test(hosts[0] as string)
    ? undefined
    : malformed('Host is not a host')
}

function faultyFraming(version: HttpVersion, headers: RawHeaders): Fault | undefined {
  const codings = valuesOf(headers, 'transfer-encoding')
  const lengths = valuesOf(headers, 'content-length')
  if (codings.length > 0 && version !== '1.1') return malformed(`Transfer-Encoding in HTTP/${version}`)
  if (codings.length > 0 && lengths.length > 0) return malformed('Transfer-Encoding with Content-Length')
  if (codings.length > 1 || (codings[0] !== undefined && codings[0].toLowerCase() !== 'chunked'))
    return malformed('Transfer-Encoding other than chunked')
  if (lengths.length > 1) return malformed('more than one Content-Length')
  if (lengths[0] !== undefined && !/^\d{1,15}$/.test(lengths[0])) return malformed('Content-Length is not a number')
  return undefined
}

function faultyFields(headers: RawHeaders): Fault | undefined {
  if (valuesOf(headers, 'content-type').length > 1) return malformed('more than one Content-Type')
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (name.length > 7 && disguised.test(name))
      return malformed(`the field ${JSON.stringify(name.slice(0, 40))} could be taken for a framing field`)
    if (/[\0\r\n]/.test(headers[i + 1] as string)) return malformed('a field value has a control character')
  }
  return undefined
}

// Servers that map - and _ to the same variable (CGI, WSGI) read these as the framing fields.
const disguised = /^(content_length|transfer_encoding|content_encoding)$/i

function malformed(message: string): Fault {
  return { code: 'malformed_request', message }
}
