import { STATUS_CODES } from 'node:http'
import { errorCodes } from '../core/errors.ts'
import { headersTooLarge, unsupportedVersion } from './validate.ts'
import type { Fault } from './validate.ts'

/** What Node's parser says of bytes that are no request; `rawPacket` may hold others before them. */
export type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer; readonly bytesParsed?: number }

/** What Node's parser or time limit said of a request, in our codes, with the request line if one could be read. */
export function refusalOf(error: ParserError): {
  fault: Fault
  request: { method: string; target: string } | undefined
} {
  const line = lineAt(error.rawPacket?.toString('latin1') ?? '', error.bytesParsed ?? 0)
  const request = line === null ? undefined : { method: line[1] as string, target: line[2] as string }
  return { fault: faultOf(error.code ?? '', error.message, line), request }
}

/** The request line of the head in which the parser stopped at a position: what is before has been parsed. */
function lineAt(text: string, at: number): RegExpExecArray | null {
  const before = at < 4 ? -1 : text.lastIndexOf('\r\n\r\n', at - 4)
  return requestLine.exec(before === -1 ? text : text.slice(before + 4))
}

const requestLine = /^[\r\n]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e\x80-\xff]{1,8192}) HTTP\/(\d\.\d)\r?\n/

/** A refusal on the wire: one line of text, and the connection closes (RFC 9112, 9.6). */
export function refusalText(fault: Fault): string {
  const { status } = errorCodes[fault.code]
  const body = `${fault.message}\n`
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nsallyport-error: ${fault.code}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  )
}

function faultOf(code: string, message: string, line: RegExpExecArray | null): Fault {
  const version = line?.[3]
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { code: 'request_timeout', message: 'the request took too long' }
  if (code === 'HPE_PAUSED_H2_UPGRADE') return unsupportedVersion
  if (code === 'HPE_INVALID_VERSION' && version !== undefined && version !== '1.1' && version !== '1.0')
    return unsupportedVersion
  if (code === 'HPE_INVALID_METHOD')
    return line === null
      ? { code: 'malformed_request', message: 'not an HTTP request' }
      : { code: 'unsupported_method', message: 'this method is not supported' }
  return { code: 'malformed_request', message: `the request is malformed: ${message.replace(/^Parse Error: /, '')}` }
}
