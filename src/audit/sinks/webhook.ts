import { createHmac } from 'node:crypto'
import type { FormatName } from '../formats/index.ts'
import { type Answer, httpClient, type HttpOptions, refusal } from './http.ts'
import { linesOf } from './lines.ts'
import { defineSink, SinkError } from './sink.ts'

export type WebhookOptions = HttpOptions & {
  readonly type: 'webhook'
  readonly secret: string
  readonly format: FormatName
}

/** POST of lines, signed: any 2xx says that they have arrived. */
export const webhook = defineSink<WebhookOptions>({
  type: 'webhook',
  create: (options, context) => {
    const client = httpClient(options)
    const send = async (rows: Parameters<typeof linesOf>[0], signal: AbortSignal) => {
      const body = linesOf(rows, options.format, context)
        .map(({ text }) => `${text}\n`)
        .join('')
      const at = Math.floor(context.now() / 1_000)
      const headers = {
        'content-type': 'application/x-ndjson',
        'user-agent': `sallyport/${context.version}`,
        'sallyport-signature': signature(options.secret, at, body),
      }
      const answer = await client.post({ path: '', headers, body }, signal)
      if (answer.status < 200 || answer.status > 299) throw refused(answer, context.now)
      return []
    }
    return { send, close: async () => client.close() }
  },
})

/** `t=UNIX,v1=HEX`: HMAC-SHA256 over the time in seconds, a dot, and the body before it was compressed. */
export function signature(secret: string, at: number, body: string): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`
}

function refused(answer: Answer, now: () => number): Error {
  if (answer.status !== 410) return refusal(answer, 'the webhook', now)
  return new SinkError('the webhook answered 410: it is gone for good, remove the sink', { retryAfterMs: 900_000 })
}
