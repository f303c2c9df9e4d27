import type { Parsed } from './receive.ts'

export type ConnectAnswer = { readonly status: number }

/**
 * The answer of a proxy to CONNECT: its status, once its head is whole; informational answers before it are skipped. What follows the
 * head of a 2xx is the tunnel's, whatever its fields say (RFC 9110, 9.3.6). Throws RangeError for what no HTTP/1 proxy says.
 */
export function connectAnswer(bytes: Buffer): Parsed<ConnectAnswer> {
  for (let from = 0; ;) {
    const begun = bytes.toString('latin1', from, from + prefix.length)
    if (!prefix.startsWith(begun.slice(0, prefix.length))) throw new RangeError('it does not speak HTTP/1.1')
    const end = bytes.indexOf('\r\n\r\n', from, 'latin1')
    if (end === -1) {
      if (bytes.length - from > maxHeadBytes) throw new RangeError('its answer has no end')
      return { kind: 'more' }
    }
    const status = /^HTTP\/1\.[01] ([1-9]\d\d)(?: [^\r\n]*)?\r\n/.exec(bytes.toString('latin1', from, end + 2))?.[1]
    if (status === undefined) throw new RangeError('it answers with a malformed status line')
    if (end + 4 - from > maxHeadBytes) throw new RangeError('its answer has no end')
    from = end + 4
    // RFC 9110, 15.2; 101 would be another protocol than the tunnel.
    if (status.startsWith('1') && status !== '101') {
      if (from > maxHeadBytes) throw new RangeError('its answer has no end')
      continue
    }
    return { kind: 'done', value: { status: Number(status) }, length: from }
  }
}

const prefix = 'HTTP/1.'
const maxHeadBytes = 65_536
