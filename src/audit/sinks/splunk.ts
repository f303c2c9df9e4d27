import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FormatName } from '../formats/index.ts'
import { type Answer, httpClient, type HttpClient, type HttpOptions, jsonOf, refusal, retryAfter } from './http.ts'
import { type Line, linesOf, timeOf } from './lines.ts'
import { BatchRefused, defineSink, type Refused, SinkError, type SinkContext } from './sink.ts'

export type SplunkOptions = HttpOptions & {
  readonly type: 'splunk'
  readonly token: string
  readonly index?: string | undefined
  readonly sourcetype?: string | undefined
  readonly format: FormatName
}

/**
 * The HTTP Event Collector of Splunk. Where the token has indexer acknowledgement on, rows count as delivered when the indexers have
 * acknowledged them. Codes and shapes: Splunk, "Troubleshoot HTTP Event Collector" and "About HTTP Event Collector Indexer Acknowledgment".
 */
export const splunk = defineSink<SplunkOptions>({
  type: 'splunk',
  create: (options, context) => {
    const client = httpClient(options)
    const collector: Collector = {
      client,
      context,
      timeoutMs: options.timeoutMs,
      headers: {
        authorization: `Splunk ${options.token}`,
        'content-type': 'application/json',
        'user-agent': `sallyport/${context.version}`,
        // Needed by tokens with acknowledgement, and harmless with others.
        'x-splunk-request-channel': randomUUID(),
      },
    }
    return {
      send: async (rows, signal) => {
        const lines = linesOf(rows, options.format, context)
        return deliver(
          collector,
          lines.map((line) => ({ line, text: envelope(line, options, context) })),
          signal,
        )
      },
      close: async () => client.close(),
    }
  },
})

type Collector = {
  readonly client: HttpClient
  readonly context: SinkContext
  readonly timeoutMs: number
  readonly headers: Readonly<Record<string, string>>
}

type Event = { readonly line: Line; readonly text: string }

function envelope(
  { row, text, json }: Line,
  { index, sourcetype, format }: SplunkOptions,
  context: SinkContext,
): string {
  const head = {
    time: timeOf(row, context) / 1_000,
    host: context.hostname,
    source: 'sallyport',
    sourcetype: sourcetype ?? `sallyport:${format}`,
    ...(index === undefined ? {} : { index }),
    fields: { table: row.table },
  }
  const event = json ? text : JSON.stringify(text)
  return `${JSON.stringify(head).slice(0, -1)},"event":${event}}`
}

/** The collector names the first event that it cannot take; what it did with those before is its own business, so the rest is sent again. */
async function deliver(collector: Collector, events: readonly Event[], signal: AbortSignal): Promise<Refused[]> {
  const refused = new Map<number, string>()
  let left = events
  while (left.length > 0) {
    const body = left.map(({ text }) => text).join('\n')
    const answer = await collector.client.post(
      { path: '/services/collector/event', headers: collector.headers, body },
      signal,
    )
    const said = replyOf(answer)
    if (answer.status === 200 && said.code === 0) {
      if (said.ackId !== undefined) await acknowledged(collector, said.ackId, signal)
      break
    }
    const bad = ofOneEvent.has(said.code ?? -1) ? left[said.event ?? -1] : undefined
    if (bad === undefined) throw failure(answer, said, collector.context)
    refused.set(bad.line.index, `Splunk: ${said.text}`)
    if (refused.size > MOST_REFUSED) throw new BatchRefused(`Splunk refuses more than ${MOST_REFUSED} events`)
    left = left.filter(({ line }) => line.index !== bad.line.index)
  }
  return [...refused].map(([index, reason]) => ({ index, reason }))
}

/** Asks until the indexers have the batch. */
async function acknowledged(
  { client, headers, timeoutMs }: Collector,
  ackId: number,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({ acks: [ackId] })
  for (let waited = 0, pause = 100; waited < timeoutMs; waited += pause, pause = Math.min(pause * 2, 2_000)) {
    const answer = await client.post({ path: '/services/collector/ack', headers, body }, signal)
    const said = jsonOf(answer)
    if (answer.status === 200 && isRecord(said) && isRecord(said.acks) && said.acks[String(ackId)] === true) return
    await sleep(pause, undefined, { signal })
  }
  throw new SinkError(`Splunk has not acknowledged a batch within ${timeoutMs} ms`)
}

type Reply = { readonly code?: number; readonly text: string; readonly event?: number; readonly ackId?: number }

function replyOf(answer: Answer): Reply {
  const said = jsonOf(answer)
  if (!isRecord(said)) return { text: 'not an answer of a collector' }
  const number = (name: string) => (Number.isInteger(said[name]) ? { [name]: said[name] as number } : {})
  const { 'invalid-event-number': event } = said
  return {
    ...number('code'),
    ...number('ackId'),
    // Its own texts only: any other could quote the token, or a row.
    text: typeof said.text === 'string' && texts.has(said.text) ? said.text : 'no text that is known',
    ...(Number.isInteger(event) ? { event: event as number } : {}),
  }
}

function failure(answer: Answer, { code, text }: Reply, { now }: SinkContext): Error {
  if (code === undefined)
    return answer.status === 200 ? new SinkError(`Splunk: ${text}`) : refusal(answer, 'Splunk', now)
  const message = `Splunk answered ${answer.status}, code ${code}: ${text}`
  if (answer.status === 413 || refusedAsWhole.has(code)) return new BatchRefused(message)
  return new SinkError(message, { retryAfterMs: retryAfter(answer, now) })
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

// https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector
const texts = new Set([
  'Success',
  'Token disabled',
  'Token is required',
  'Invalid authorization',
  'Invalid token',
  'No data',
  'Invalid data format',
  'Incorrect index',
  'Internal server error',
  'Server is busy',
  'Data channel is missing',
  'Invalid data channel',
  'Event field is required',
  'Event field cannot be blank',
  'ACK is disabled',
  'Error in handling indexed fields',
  'Query string authorization is not enabled',
  'HEC is healthy',
  'Server is shutting down',
])
// Invalid data format, event field required, event field blank, error in indexed fields.
const ofOneEvent = new Set([6, 12, 13, 15])
// The same, when no event is named, and: no data.
const refusedAsWhole = new Set([5, ...ofOneEvent])
const MOST_REFUSED = 16
