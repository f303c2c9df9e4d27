import { createHmac } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { SinkSettings } from '../../src/audit/export/settings.ts'
import type { TestAuthority } from './authority.ts'
import { bulkReceiver } from './bulk-receiver.ts'
import { hecReceiver } from './hec-receiver.ts'
import { type HttpReceiver, httpReceiver, type Received, type Reply, rule } from './http-receiver.ts'
import { otlpReceiver } from './otlp-receiver.ts'
import { syslogReceiver } from './syslog-receiver.ts'
import { tempFolder } from './temp.ts'

/** The receiver of a sink, which can be stopped and started in the same place. */
export type Side = {
  /** The sink's settings; with `trust` those that verify its certificate. */
  readonly settings: (over?: Readonly<Record<string, unknown>>) => SinkSettings
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** The next deliveries fail: cut while they are sent, half answered, never answered, put off. */
  readonly trouble: () => void
  /** The next batch is refused as a whole, where receivers can do that. */
  readonly refuseBatch: () => void
  /** What arrived, in order, one text for each row. */
  readonly arrived: () => string[]
  /** What broke the rules of the protocol. */
  readonly faults: () => readonly string[]
}

export type SideOptions = {
  /** A row that has this in it is refused, where receivers can do that. */
  readonly poison?: string
  /** TLS by this authority. */
  readonly tls?: TestAuthority
}

export type SideKind = {
  readonly open: (options: SideOptions) => Side
  readonly refusesRows: boolean
  readonly refusesBatches: boolean
  readonly speaksTls: boolean
}

/** A kind for each type of sink. A new sink needs a line here. */
export const sides: Readonly<Record<string, SideKind>> = {
  file: { open: fileSide, refusesRows: false, refusesBatches: false, speaksTls: false },
  syslog: { open: syslogSide, refusesRows: false, refusesBatches: false, speaksTls: true },
  splunk: kindOver(splunkSide),
  elastic: kindOver(elasticSide),
  otlp: kindOver(otlpSide),
  webhook: kindOver(webhookSide),
}

function kindOver(open: SideKind['open']): SideKind {
  return { open, refusesRows: true, refusesBatches: true, speaksTls: true }
}

type Web = {
  readonly receiver: HttpReceiver
  /** What this receiver has so far. */
  readonly rows: () => string[]
}

/** `listen` starts a receiver on the port, which for the first is 0. */
function webSide(
  type: string,
  { tls }: SideOptions,
  own: Readonly<Record<string, unknown>>,
  listen: (options: {
    readonly port: number
    readonly tls?: { readonly cert: string; readonly key: string }
  }) => Promise<Web>,
): Side {
  const identity = tls?.issue(['127.0.0.1'])
  const faults: string[] = []
  const before: string[] = []
  let [port, web, replies]: [number, Web | undefined, Reply[]] = [0, undefined, []]
  const start = async (): Promise<void> => {
    web = await listen({ port, ...(identity && { tls: identity }) })
    port = web.receiver.port
    web.receiver.replies.push(...replies)
    replies = []
  }
  const stop = async (): Promise<void> => {
    if (web === undefined) return
    before.push(...web.rows())
    faults.push(...web.receiver.faults)
    const { receiver } = web
    web = undefined
    await receiver[Symbol.asyncDispose]()
  }
  const url = (): string => `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return {
    start,
    stop,
    settings: (over) => settingsOf({ type, url: url(), timeoutMs: 300, format: 'json', ...own, ...over }),
    trouble: () => void (web?.receiver.replies ?? replies).push('cut', 'half', 'silence', busy),
    refuseBatch: () => void web?.receiver.replies.push({ status: 413 }),
    arrived: () => [...before, ...(web?.rows() ?? [])],
    faults: () => [...faults, ...(web?.receiver.faults ?? [])],
  }
}

function splunkSide(options: SideOptions): Side {
  const { poison } = options
  return webSide('splunk', options, { token: 'made-up' }, async (at) => {
    const refuses = (event: unknown) => (poison !== undefined && JSON.stringify(event).includes(poison) ? 6 : undefined)
    const receiver = await hecReceiver({ ...at, token: 'made-up', refuses })
    return { receiver, rows: () => receiver.events.map((event) => JSON.stringify(event)) }
  })
}

function elasticSide(options: SideOptions): Side {
  const { poison } = options
  // An index outlives the process that serves it.
  const kept = new Map<string, string>()
  const side = webSide('elastic', options, { index: 'rows', format: 'json' }, async (at) => {
    const receiver = await bulkReceiver({
      ...at,
      index: 'rows',
      outcome: (document, id) => {
        const text = JSON.stringify(document)
        if (poison !== undefined && text.includes(poison)) return { status: 400, type: 'mapper_parsing_exception' }
        if (kept.has(id)) return { status: 409, type: 'version_conflict_engine_exception' }
        kept.set(id, text)
        return { status: 201 }
      },
    })
    return { receiver, rows: () => [] }
  })
  return { ...side, arrived: () => [...kept.values()] }
}

function otlpSide(options: SideOptions): Side {
  const { poison } = options
  return webSide('otlp', options, { encoding: 'protobuf', headers: {} }, async (at) => {
    const rejects = (record: unknown) => poison !== undefined && JSON.stringify(record).includes(poison)
    const receiver = await otlpReceiver({ ...at, rejects })
    return { receiver, rows: () => receiver.records.map((record) => JSON.stringify(record)) }
  })
}

function webhookSide(options: SideOptions): Side {
  const { poison } = options
  const secret = 'made-up'
  return webSide('webhook', options, { secret }, async (at) => {
    const rows: string[] = []
    const take = ({ headers, body }: Received): Reply => {
      const text = body.toString()
      const [, time, sum] = /^t=(\d+),v1=([\da-f]{64})$/.exec(String(headers['sallyport-signature'])) ?? []
      rule(createHmac('sha256', secret).update(`${time}.${text}`).digest('hex') === sum, 'a wrong signature')
      const lines = text.trimEnd().split('\n')
      if (poison !== undefined && text.includes(poison)) return { status: 422 }
      rows.push(...lines)
      return { status: 200 }
    }
    return { receiver: await httpReceiver(take, at), rows: () => rows }
  })
}

function syslogSide({ tls }: SideOptions): Side {
  const identity = tls?.issue(['127.0.0.1'])
  const [before, faults] = [[] as string[], [] as string[]]
  let port = 0
  let moods: (number | 'cut' | 'deaf')[] = []
  let receiver: Awaited<ReturnType<typeof syslogReceiver>> | undefined
  return {
    async start() {
      receiver = await syslogReceiver({ port, ...(identity && { tls: identity }) })
      port = receiver.port
      receiver.moods.push(...moods)
      moods = []
    },
    async stop() {
      before.push(...(receiver?.messages ?? []).map(({ text }) => text))
      faults.push(...(receiver?.faults ?? []))
      await receiver?.[Symbol.asyncDispose]()
      receiver = undefined
    },
    settings: (over) => {
      const address = `${tls === undefined ? 'tcp' : 'tls'}://127.0.0.1:${port}`
      const own = { facility: 'local0', bom: true, confirm: 'close', timeoutMs: 300, format: 'json' }
      return settingsOf({ type: 'syslog', address, ...own, ...over })
    },
    trouble: () => void (receiver?.moods ?? moods).push('cut', 3, 'deaf', 1),
    refuseBatch: () => undefined,
    arrived: () => [...before, ...(receiver?.messages ?? []).map(({ text }) => text)],
    faults: () => [...faults, ...(receiver?.faults ?? [])].filter((fault) => !fault.includes('ends in a message')),
  }
}

function fileSide(): Side {
  const path = join(tempFolder('file-side'), 'there', 'rows.jsonl')
  const away = `${dirname(path)}-away`
  return {
    async start() {
      if (existsSync(away)) renameSync(away, dirname(path))
      else mkdirSync(dirname(path), { recursive: true })
    },
    async stop() {
      if (existsSync(dirname(path))) renameSync(dirname(path), away)
    },
    settings: (over) => settingsOf({ type: 'file', path, rotateBytes: 4_000, keep: 1_000, format: 'json', ...over }),
    // What a process leaves that is killed while it writes.
    trouble: () => (existsSync(path) ? appendFileSync(path, '{"id":"half') : writeFileSync(path, '{"id":"half')),
    refuseBatch: () => undefined,
    arrived: () => linesIn(existsSync(away) ? away : dirname(path)),
    faults: () => linesIn(existsSync(away) ? away : dirname(path)).filter((line) => !isJson(line)),
  }
}

/**
 * The whole lines of a folder's files, the oldest first, as they are at one moment: a sink in this process goes on with the call it is in
 * while they are read, so that a file may be renamed, or grow, in between.
 */
function linesIn(dir: string): string[] {
  while (true) {
    const before = filesIn(dir)
    const texts = before.map(({ name }) => textOf(join(dir, name)))
    if (isDeepStrictEqual(filesIn(dir), before)) return texts.flatMap((text) => text.split('\n').slice(0, -1))
  }
}

function filesIn(dir: string) {
  const old = (name: string): number => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0)
  const names = existsSync(dir) ? readdirSync(dir).toSorted((a, b) => old(b) - old(a)) : []
  return names.map((name) => {
    const stats = statSync(join(dir, name), { throwIfNoEntry: false })
    return { name, file: stats?.ino, size: stats?.size }
  })
}

/** Nothing of a file that has just got another name. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ''
    throw cause
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

const settingsOf = (values: Readonly<Record<string, unknown>>): SinkSettings =>
  ({
    name: 'side',
    include: ['exchanges', 'connections', 'events', 'checkpoints'],
    batch: { rows: 10, bytes: 2 ** 20, lingerMs: 0 },
    ...values,
  }) as unknown as SinkSettings

const busy: Reply = { status: 503, headers: { 'retry-after': '0' } }
