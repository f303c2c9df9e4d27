import {
  type HttpReceiver,
  httpReceiver,
  objectIn,
  type Received,
  type ReceiverOptions,
  type Reply,
  rule,
} from './http-receiver.ts'

export type BulkItem = { readonly status: number; readonly type?: string; readonly reason?: string }

export type BulkReceiver = HttpReceiver & {
  /** What is in the index, by id. */
  readonly documents: ReadonlyMap<string, Readonly<Record<string, unknown>>>
}

export type BulkOptions = ReceiverOptions & {
  readonly index: string
  readonly apiKey?: string
  /** What becomes of a document that is not there yet; absent: created. */
  readonly outcome?: (document: Readonly<Record<string, unknown>>, id: string) => BulkItem | undefined
}

/** The bulk API as a data stream has it: only `create`, and a `@timestamp` in each document. */
export async function bulkReceiver(options: BulkOptions): Promise<BulkReceiver> {
  const documents = new Map<string, Record<string, unknown>>()
  const take = (received: Received): Reply => {
    if (options.apiKey !== undefined && received.headers.authorization !== `ApiKey ${options.apiKey}`)
      return json(401, { error: { type: 'security_exception' }, status: 401 })
    const [path, query] = received.path.split('?')
    rule(path === `/${options.index}/_bulk`, `an unknown path: ${path}`)
    rule(received.headers['content-type'] === 'application/x-ndjson', 'not NDJSON')
    const items = operationsIn(received.body.toString('utf8')).map(({ id, document }): BulkItem => {
      if (documents.has(id)) return { status: 409, type: 'version_conflict_engine_exception' }
      const item = options.outcome?.(document, id) ?? { status: 201 }
      if (item.status === 201) documents.set(id, document)
      return item
    })
    const filtered = new URLSearchParams(query).get('filter_path')
    rule(filtered === null || filtered === 'errors,items.*.status,items.*.error.type', 'an unknown filter_path')
    const told = items.map(({ status, type, reason }) => ({
      create: { status, ...(type === undefined ? {} : { error: { type, ...(filtered === null ? { reason } : {}) } }) },
    }))
    return json(200, { errors: items.some(({ status }) => status !== 201), items: told })
  }
  return Object.assign(await httpReceiver(take, options), { documents })
}

function operationsIn(text: string): { id: string; document: Record<string, unknown> }[] {
  rule(text.endsWith('\n'), 'the last line has no end')
  const lines = text.slice(0, -1).split('\n')
  rule(lines.length % 2 === 0, 'an action without its document')
  return Array.from({ length: lines.length / 2 }, (_, place) => {
    const action = objectIn(lines[place * 2] as string)
    rule(Object.keys(action).join() === 'create', 'a data stream takes only create')
    const { _id: id, ...rest } = action.create as Record<string, unknown>
    rule(typeof id === 'string' && id !== '' && id.length <= 512, 'no id')
    rule(Object.keys(rest).length === 0, 'more in the action than an id')
    const document = objectIn(lines[place * 2 + 1] as string)
    const at = document['@timestamp']
    rule(typeof at === 'string' && new Date(at).toISOString() === at, 'no @timestamp')
    return { id, document }
  })
}

const json = (status: number, body: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
