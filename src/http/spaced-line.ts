import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Fault } from './validate.ts'

/**
 * Node's parser skips more than one space in a request line, where others refuse it (RFC 9112, 3) or take the second for the target. What is
 * forwarded has one, so a line that came in pieces, which cannot be seen any more, does no harm.
 */
export function spacedLine({ method = '', url = '', socket }: IncomingMessage): Fault | undefined {
  const { parser } = socket as { readonly parser?: { readonly getCurrentBuffer?: () => Buffer | undefined } }
  const came = parser?.getCurrentBuffer?.()
  if (came === undefined || came.includes(`${method} ${url} HTTP/1.`, 0, 'latin1')) return undefined
  const line = came
    .toString('latin1')
    .split(/\r?\n/)
    .find((one) => one.startsWith(`${method} `) && one.includes(` ${url} `))
  return line?.includes('  ') === true
    ? { code: 'malformed_request', message: 'the request line has more than one space' }
    : undefined
}

/** Node lets go of its parser, and of the bytes, before it tells of a CONNECT or an upgrade: `look` is called while they are there. */
export function beforeUpgrade(socket: Duplex, look: (request: IncomingMessage) => void): void {
  const { parser } = socket as { readonly parser?: { onIncoming: OnIncoming } }
  if (parser === undefined) return
  const { onIncoming } = parser
  parser.onIncoming = (request, shouldKeepAlive) => {
    if (request.upgrade === true) look(request)
    return onIncoming(request, shouldKeepAlive)
  }
}

type OnIncoming = (request: IncomingMessage & { readonly upgrade?: boolean }, shouldKeepAlive: boolean) => number
