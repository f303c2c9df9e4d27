import {
  type HttpReceiver,
  httpReceiver,
  objectIn,
  type Received,
  type ReceiverOptions,
  type Reply,
  rule,
} from './http-receiver.ts'

export type HecEvent = {
  readonly time: number
  readonly host: string
  readonly source: string
  readonly sourcetype: string
  readonly index?: string
  readonly event: unknown
  readonly fields: Readonly<Record<string, string>>
}

export type HecReceiver = HttpReceiver & {
  readonly events: readonly HecEvent[]
  /** Acknowledgement ids that the indexers still have to do; a poll does one. */
  readonly unacknowledged: readonly number[]
}

export type HecOptions = ReceiverOptions & {
  readonly token: string
  readonly acknowledges?: boolean
  /** Says of an event that it cannot be taken, with a code of the collector. */
  readonly refuses?: (event: HecEvent) => number | undefined
}

/** A HTTP Event Collector that takes what Splunk documents, and nothing else. */
export async function hecReceiver(options: HecOptions): Promise<HecReceiver> {
  const events: HecEvent[] = []
  const pending: number[] = []
  const channels = new Set<string>()
  let acks = 0
  const take = (received: Received): Reply => {
    const denied = denial(received, options)
    if (denied !== undefined) return denied
    const channel = received.headers['x-splunk-request-channel']
    rule(typeof channel === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(channel), 'no channel')
    if (received.path === '/services/collector/ack') {
      rule(channels.has(channel), 'acknowledgements of another channel')
      return acknowledgements(received, pending)
    }
    rule(received.path === '/services/collector/event', 'an unknown path')
    const batch = eventsIn(received.body.toString('utf8'))
    for (const [place, event] of batch.entries()) {
      const code = options.refuses?.(event)
      if (code !== undefined) return said(400, { text: 'Invalid data format', code, 'invalid-event-number': place })
    }
    channels.add(channel)
    events.push(...batch)
    if (options.acknowledges !== true) return said(200, { text: 'Success', code: 0 })
    pending.push(acks)
    return said(200, { text: 'Success', code: 0, ackId: acks++ })
  }
  return Object.assign(await httpReceiver(take, options), { events, unacknowledged: pending })
}

function denial({ headers }: Received, { token }: HecOptions): Reply | undefined {
  if (headers.authorization === undefined) return said(401, { text: 'Token is required', code: 2 })
  if (!headers.authorization.startsWith('Splunk ')) return said(401, { text: 'Invalid authorization', code: 3 })
  return headers.authorization === `Splunk ${token}` ? undefined : said(403, { text: 'Invalid token', code: 4 })
}

// The first poll finds nothing, the second one is told.
function acknowledgements({ body }: Received, pending: number[]): Reply {
  const { acks } = objectIn(body.toString('utf8'))
  rule(Array.isArray(acks) && acks.every(Number.isInteger), 'acks is no list of numbers')
  const told = acks.map((id: number) => [String(id), !pending.includes(id)])
  pending.shift()
  return said(200, { acks: Object.fromEntries(told) })
}

/** JSON objects one behind the other. Ours stand on lines of their own. */
function eventsIn(text: string): HecEvent[] {
  const events = text.split('\n').map(objectIn)
  for (const event of events) {
    const { time, host, source, sourcetype, index, fields } = event
    const unknown = Object.keys(event).filter((key) => !known.includes(key))
    rule(unknown.length === 0, `unknown keys: ${unknown.join()}`)
    rule(typeof time === 'number' && time > 1e9 && time < 1e10, 'time is not in seconds')
    for (const text of [host, source, sourcetype, index ?? 'main'])
      rule(typeof text === 'string' && text !== '', 'no text')
    rule(event.event !== undefined && event.event !== '' && event.event !== null, 'an empty event')
    rule(typeof fields === 'object' && fields !== null, 'no fields')
    rule(
      Object.values(fields).every((value) => typeof value === 'string'),
      'fields are not flat',
    )
  }
  return events as unknown[] as HecEvent[]
}

const said = (status: number, body: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

const known = ['time', 'host', 'source', 'sourcetype', 'index', 'event', 'fields']
