import type { RawHeaders } from '../core/http.ts'
import { valuesOf } from './headers.ts'
import { faultIn, faultySize } from './validate.ts'
import type { Fault } from './validate.ts'

/** The pseudo-header fields of a request (RFC 9113, 8.3.1). */
export type StreamLine = {
  readonly method: string
  readonly target: string
  readonly scheme: string
  readonly authority: string | undefined
}

/**
 * What Node lets through although it is malformed (RFC 9113, 8.1.1), could be read in two ways once it is HTTP/1.1, or is too large.
 * `secure`: it came over TLS. Undefined when the request has one reading.
 */
export function faultInStream(
  { method, target, scheme, authority }: StreamLine,
  fields: RawHeaders,
  { secure, headerBytes }: { readonly secure: boolean; readonly headerBytes: number },
): Fault | undefined {
  const own = secure ? 'https' : 'http'
  if (target === '') return malformed('the request has no :path')
  if (scheme !== own) return malformed(`the :scheme is not ${own}`)
  const hosts = valuesOf(fields, 'host')
  if (authority === undefined && hosts.length === 0) return malformed('the request has no authority')
  if (authority !== undefined && hosts[0] !== undefined && !isSame(authority, hosts[0], own))
    return malformed(':authority and Host differ')
  const named = authority === undefined || hosts.length > 0 ? fields : ['host', authority, ...fields]
  return faultySize(target, fields, headerBytes) ?? faultIn(method, target, '2', named)
}

/** Compared as RFC 3986, 6.2 has it: case and the scheme's own port make no difference. */
function isSame(authority: string, host: string, scheme: 'http' | 'https'): boolean {
  return authority === host || normal(authority, scheme) === normal(host, scheme)
}

function normal(authority: string, scheme: 'http' | 'https'): string {
  return authority.toLowerCase().replace(scheme === 'https' ? /:(443)?$/ : /:(80)?$/, '')
}

function malformed(message: string): Fault {
  return { code: 'malformed_request', message }
}
