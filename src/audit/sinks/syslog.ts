import type { FormatName } from '../formats/index.ts'
import { linesOf } from './lines.ts'
import { defineSink, type Refused, type Sink } from './sink.ts'
import { sendDatagrams } from './syslog-datagrams.ts'
import { type Facility, octetCounted, syslogMessage } from './syslog-message.ts'
import { type Confirmation, syslogStream } from './syslog-stream.ts'
import { tlsContext, type TlsFiles } from './tls-files.ts'

export type SyslogOptions = TlsFiles & {
  readonly type: 'syslog'
  /** `udp://`, `tcp://` or `tls://`, with a host and a port. */
  readonly address: string
  readonly format: FormatName
  readonly facility: Facility
  readonly bom: boolean
  /** Largest message, its header included; longer ones are refused. Absent: what a datagram can hold, or no limit. */
  readonly maxBytes?: number | undefined
  readonly confirm: Confirmation
  readonly timeoutMs: number
}

/** Syslog (RFC 5424) over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425). */
export const syslog = defineSink<SyslogOptions>({
  type: 'syslog',
  create: (options, context) => {
    const header = { facility: options.facility, procId: process.pid, bom: options.bom }
    const transport = transportOf(options)
    const send: Sink['send'] = async (rows, signal) => {
      const messages: { index: number; message: Buffer }[] = []
      const refused = new Map<number, string>()
      for (const line of linesOf(rows, options.format, context)) {
        const message = syslogMessage(line, header, context)
        if (message.length <= transport.maxBytes) messages.push({ index: line.index, message })
        else refused.set(line.index, `longer than ${transport.maxBytes} bytes, with ${message.length}`)
      }
      const sendable = messages.filter(({ index }) => !refused.has(index))
      if (sendable.length > 0)
        await transport.send(
          sendable.map(({ message }) => message),
          signal,
        )
      return [...refused].map(([index, reason]): Refused => ({ index, reason }))
    }
    return { send, close: transport.close }
  },
})

type Transport = {
  readonly maxBytes: number
  readonly send: (messages: readonly Buffer[], signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

function transportOf(options: SyslogOptions): Transport {
  const { protocol, hostname, port } = new URL(options.address)
  const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
  if (protocol === 'udp:') {
    const { maxBytes = DATAGRAM_BYTES } = options
    const send: Transport['send'] = (messages, signal) =>
      sendDatagrams(messages, { at, signal, timeoutMs: options.timeoutMs })
    return { maxBytes, send, close: async () => {} }
  }
  const context = protocol === 'tls:' ? { secureContext: tlsContext(options) } : {}
  const stream = syslogStream({ at, ...context, confirm: options.confirm, timeoutMs: options.timeoutMs })
  return {
    maxBytes: options.maxBytes ?? Infinity,
    send: (messages, signal) => stream.send(Buffer.concat(messages.map(octetCounted)), signal),
    close: stream.close,
  }
}

// What IPv4 leaves of 65,535 (RFC 5426, 3.2). More than 2,048 may be more than a receiver takes.
const DATAGRAM_BYTES = 65_507
