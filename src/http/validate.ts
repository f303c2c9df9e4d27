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

/** RFC 9110, 9.3.6: a CONNECT has no content; what would be taken for some could be read as the tunnel's first bytes. */
export function faultInConnect(headers: RawHeaders): Fault | undefined {
  const hosts = valuesOf(headers, 'host')
  if (hosts.length > 1) return malformed('more than one Host')
  if (hosts[0] !== undefined && hosts[0] !== '' && !hostField.test(hosts[0])) return malformed('Host is not a host')
  if (valuesOf(headers, 'transfer-encoding').length > 0) return malformed('Transfer-Encoding on CONNECT')
  return valuesOf(headers, 'content-length').every((length) => /^0+$/.test(length))
    ? undefined
    : malformed('a body on CONNECT')
}

/** A target or a header section, as long as it is on the wire, beyond `headerBytes`. */
export function faultySize(target: string, headers: RawHeaders, headerBytes: number): Fault | undefined {
  if (target.length > headerBytes) return { code: 'uri_too_long', message: 'the target is too long' }
  let size = target.length
  for (let i = 0; i < headers.length; i += 2)
    size += (headers[i] as string).length + (headers[i + 1] as string).length + 4
  return size > headerBytes ? headersTooLarge : undefined
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
  const host = hostField.exec(hosts[0] as string)
  if (host === null) return malformed(hosts[0] === '' ? 'an empty Host' : 'Host is not a host')
  const port = host[1] ?? host[2] ?? ''
  return port === '' || (port.length <= 5 && Number(port) >= 1 && Number(port) <= 65_535)
    ? undefined
    : malformed('Host has a port that is none')
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

const hostField = /^[A-Za-z0-9._~-]+(?::(\d*))?$|^\[[0-9A-Fa-f:.]+\](?::(\d*))?$/
export const headersTooLarge: Fault = { code: 'headers_too_large', message: 'the header section is too large' }
export const unsupportedVersion: Fault = {
  code: 'unsupported_version',
  message: 'this HTTP version is not supported',
}
// Servers that map - and _ to the same variable (CGI, WSGI) read these as the framing fields.
const disguised = /^(content_length|transfer_encoding|content_encoding)$/i

function malformed(message: string): Fault {
  return { code: 'malformed_request', message }
}
