import { setTimeout as sleep } from 'node:timers/promises'
import type { FormatName } from '../formats/index.ts'
import { type Answer, httpClient, type HttpClient, type HttpOptions, jsonOf, refusal } from './http.ts'
import { idOf, type Line, linesOf, timeOf } from './lines.ts'
import { defineSink, type Refused, SinkError, type SinkContext } from './sink.ts'

export type ElasticOptions = HttpOptions & {
  readonly type: 'elastic'
  /** An index, an alias or a data stream. */
  readonly index: string
  readonly apiKey?: string | undefined
  readonly format: FormatName
}

/**
 * The bulk API of Elasticsearch and OpenSearch. Documents are created under an id that is made of the row's, so that one sent twice is
 * there once. Sources: Elasticsearch, "Bulk API" and "Data streams" (only `create`, and `@timestamp` in each document).
 */
export const elastic = defineSink<ElasticOptions>({
  type: 'elastic',
  create: (options, context) => {
    const client = httpClient(options)
    const headers = {
      'content-type': 'application/x-ndjson',
      'user-agent': `sallyport/${context.version}`,
      ...(options.apiKey === undefined ? {} : { authorization: `ApiKey ${options.apiKey}` }),
    }
    const bulk: Bulk = { client, headers, path: `/${encodeURIComponent(options.index)}/_bulk${onlyErrors}`, context }
    return {
      send: (rows, signal) =>
        deliver(
          bulk,
          linesOf(rows, options.format, context).map((line) => operation(line, options.format, context)),
          signal,
        ),
      close: async () => client.close(),
    }
  },
})

type Bulk = {
  readonly client: HttpClient
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly context: SinkContext
}

type Operation = { readonly index: number; readonly text: string }

function operation(line: Line, format: FormatName, context: SinkContext): Operation {
  const { index, part, row } = line
  const id = `${idOf(row)}-${row.block}${part === 0 ? '' : `-${part}`}`
  return { index, text: `${JSON.stringify({ create: { _id: id } })}\n${document(line, format, context)}\n` }
}

function document({ row, text, json }: Line, format: FormatName, context: SinkContext): string {
  const timestamp = `"@timestamp":"${new Date(timeOf(row, context)).toISOString()}"`
  if (!json) return `{${timestamp},"message":${JSON.stringify(text)}}`
  // ECS has the time there by itself.
  return format === 'ecs' ? text : `{${timestamp},${text.slice(1)}`
}

/** What is too much for the receiver now is sent again by itself, a few times. */
async function deliver(bulk: Bulk, operations: readonly Operation[], signal: AbortSignal): Promise<Refused[]> {
  const refused = new Map<number, string>()
  let left = operations
  for (let attempt = 0; left.length > 0; attempt++) {
    const outcome = await once(bulk, left, signal)
    for (const { index, reason } of outcome.refused) refused.set(index, reason)
    left = outcome.again
    if (left.length === 0) break
    if (attempt === PAUSES.length) throw new SinkError(`Elasticsearch is too busy for ${left.length} documents`)
    await sleep(PAUSES[attempt], undefined, { signal })
  }
  return [...refused].map(([index, reason]) => ({ index, reason }))
}

type Outcome = { readonly refused: readonly Refused[]; readonly again: readonly Operation[] }

async function once(
  { client, path, headers, context }: Bulk,
  left: readonly Operation[],
  signal: AbortSignal,
): Promise<Outcome> {
  const body = left.map(({ text }) => text).join('')
  const answer = await client.post({ path, headers, body, mostBytes: ANSWER_BYTES }, signal)
  if (answer.status !== 200) throw failure(answer, context.now)
  const items = itemsOf(answer, left.length)
  const refused: Refused[] = []
  const again: Operation[] = []
  for (const [place, { status, type }] of items.entries()) {
    const { index } = left[place] as Operation
    // 409: there already, from a delivery whose answer was lost.
    if ((status >= 200 && status <= 299) || status === 409) continue
    if (status === 429 || status >= 500) again.push(left[place] as Operation)
    else if (status === 400 && type !== 'invalid_index_name_exception')
      refused.push({ index, reason: `Elasticsearch: ${type}` })
    else throw new SinkError(`Elasticsearch refuses documents with ${status}: ${type}`)
  }
  return { refused, again }
}

/** Of what is wrong in a document an item tells: a batch that is refused as a whole was meant for another index or server. */
function failure(answer: Answer, now: () => number): Error {
  if (answer.status !== 400) return refusal(answer, 'Elasticsearch', now)
  const said = jsonOf(answer)
  return new SinkError(`Elasticsearch answered 400: ${typeOf(isRecord(said) ? said.error : undefined)}`)
}

type Item = { readonly status: number; readonly type: string }

/** One for each operation, in their order. The reasons are left alone: they quote the document. */
function itemsOf(answer: Answer, wanted: number): Item[] {
  const said = jsonOf(answer)
  const items = isRecord(said) && Array.isArray(said.items) ? (said.items as unknown[]) : []
  if (items.length !== wanted) throw new SinkError('what answered is no bulk API: is the URL right?')
  return items.map((item) => {
    const result = isRecord(item) ? item.create : undefined
    const status = isRecord(result) && typeof result.status === 'number' ? result.status : 500
    return { status, type: typeOf(isRecord(result) ? result.error : undefined) }
  })
}

function typeOf(error: unknown): string {
  const type = isRecord(error) ? error.type : undefined
  return typeof type === 'string' && /^[\w.]{1,80}$/.test(type) ? type : 'no reason given'
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const onlyErrors = '?filter_path=errors,items.*.status,items.*.error.type'
const ANSWER_BYTES = 16 * 2 ** 20
const PAUSES = [100, 300, 900]
