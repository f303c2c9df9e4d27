import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import Database from 'better-sqlite3'
import { catalogueHosts } from '../../src/app/catalogue.ts'
import { bodyKeeper } from '../../src/audit/bodies/body.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import type { Recorder } from '../../src/audit/recorder.ts'
import type { Value } from '../../src/audit/rows.ts'
import { SallyportError } from '../../src/core/errors.ts'
import type { Answer, Body, RawHeaders } from '../../src/core/http.ts'
import { newExchangeId } from '../../src/core/ids.ts'
import type { ExchangeId } from '../../src/core/ids.ts'
import { ruleBook } from '../../src/detect/index.ts'
import type { Exchange, Forward, Rooms } from '../../src/engine/exchange.ts'
import { run } from '../../src/engine/run.ts'
import { bytesBody, madeBody } from '../../src/http/body.ts'
import { createMemo } from '../../src/inspect/memo.ts'
import { createVault, vaultKeyFor } from '../../src/inspect/tokens.ts'
import type { Vault } from '../../src/inspect/tokens.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { loadPolicies, packFoldersFor, readPacks } from '../../src/policy/load.ts'
import { databasePath } from '../../src/store/open.ts'
import { budgetOf } from './budget.ts'
import { tempFolder } from './temp.ts'

export type Row = Readonly<Record<string, Value>>

export type Logged = { readonly level: 'warn' | 'error'; readonly message: string; readonly fields: object }

export type Engine = {
  readonly dir: string
  readonly recorder: Recorder
  readonly logged: Logged[]
  /** Rooms of these policies (YAML), each with vaults and metrics of its own. */
  readonly rooms: (policy?: string, over?: Partial<Rooms>) => Promise<Rooms>
  /** The committed row of an exchange. */
  readonly row: (id: string) => Promise<Row>
}

/** One ledger for a test file, closed when its tests are over. */
export function startEngine(): Engine {
  const dir = tempFolder('engine')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: inline })
  const book = ruleBook(readPacks(packFoldersFor(dir)))
  const logged: Logged[] = []
  after(() => recorder.close())
  return {
    dir,
    recorder,
    logged,
    async rooms(policy = '', over = {}) {
      const folder = tempFolder('policies')
      writeFileSync(join(folder, '10.yaml'), policy)
      const set = await loadPolicies({ dir: folder, packFolders: [], book, catalogue: catalogueHosts() })
      const vaults = new Map<string, Vault>()
      const memo = createMemo({ key: Buffer.alloc(32, 8), maxBytes: 1_000_000 })
      const log =
        (level: Logged['level']) =>
        (fields: object, message: string): void =>
          void logged.push({ level, fields, message })
      return {
        policy: () => set,
        recorder,
        keeper: (id, side) =>
          bodyKeeper({ capture: true, store: 'redacted', inlineBytes: inline, maxBytes: 10 * inline, dir, id, side }),
        vault(tenant) {
          const vault =
            vaults.get(tenant) ?? createVault({ key: vaultKeyFor(Buffer.alloc(32, 7), tenant), maxEntries: 1_000 })
          vaults.set(tenant, vault)
          return vault
        },
        memo: memo.of,
        metrics: createMetrics(),
        log: { warn: log('warn'), error: log('error') },
        inspectBytes: 100_000,
        budget: budgetOf(),
        whenUnavailable: 'block',
        markers: false,
        store: 'redacted',
        ...over,
      }
    },
    async row(id) {
      await recorder.flush()
      const db = new Database(databasePath(dir), { readonly: true })
      try {
        const row = db.prepare<[string], Row>('SELECT * FROM exchanges WHERE id = ?').get(id)
        if (row === undefined) throw new Error(`no row of ${id}`)
        return row
      } finally {
        db.close()
      }
    },
  }
}

/** A request as a test writes it; by default a chat with OpenAI. */
export type Asked = {
  readonly method?: string
  readonly host?: string
  readonly path?: string
  readonly query?: string
  readonly headers?: RawHeaders
  readonly body?: string | Uint8Array | Body | null
  readonly principal?: string | null
  readonly clientIp?: string
  readonly signal?: AbortSignal
  /** The client leaves when it has that many chunks. */
  readonly leavesAfter?: number
}

export type Received = {
  readonly status: number
  readonly headers: RawHeaders
  readonly chunks: readonly Uint8Array[]
  readonly text: string
}

export type Played = {
  readonly exchange: Exchange
  /** What came to the client; undefined when nothing did. */
  readonly received: () => Received | undefined
}

/** An exchange whose client collects what is sent to it. */
export function client(asked: Asked = {}): Played {
  const { body = null, headers = ['content-type', 'application/json'] } = asked
  let head: Answer['head'] | undefined
  const chunks: Uint8Array[] = []
  const exchange: Exchange = {
    id: newExchangeId(Date.now()),
    door: 'proxy',
    clientIp: asked.clientIp ?? '127.0.0.1',
    principal: asked.principal ?? null,
    connectionId: null,
    request: {
      head: {
        method: asked.method ?? 'POST',
        target: {
          scheme: 'https',
          host: asked.host ?? 'api.openai.com',
          port: 443,
          path: asked.path ?? '/v1/chat/completions',
          query: asked.query ?? '',
        },
        headers,
        version: '1.1',
      },
      body: typeof body === 'string' || body instanceof Uint8Array ? bytesBody(Buffer.from(body)) : body,
    },
    signal: asked.signal ?? new AbortController().signal,
    async reply(answer) {
      ;({ head } = answer)
      for await (const chunk of answer.body ?? []) {
        chunks.push(chunk)
        if (chunks.length === asked.leavesAfter) throw new SallyportError('client_aborted', 'the client left')
      }
    },
  }
  const received = (): Received | undefined =>
    head && { status: head.status, headers: head.headers, chunks, text: Buffer.concat(chunks).toString() }
  return { exchange, received }
}

export type Outcome = {
  readonly id: ExchangeId
  readonly received: Received
  /** What the origin got; undefined when nothing was forwarded. */
  readonly forwarded: { readonly headers: RawHeaders; readonly bytes: Buffer; readonly text: string } | undefined
}

/** A whole exchange with an origin that gives this answer. */
export async function converse(rooms: Rooms, asked: Asked, answer: Answer | Forward = ok()): Promise<Outcome> {
  const { exchange, received } = client(asked)
  let forwarded: Outcome['forwarded']
  await run(rooms, exchange, async (request, policy) => {
    const bytes = await bytesOf(request.body)
    forwarded = { headers: request.head.headers, bytes, text: bytes.toString() }
    return typeof answer === 'function' ? answer(request, policy) : answer
  })
  const got = received() ?? { status: 0, headers: [], chunks: [], text: '' }
  return { id: exchange.id, received: got, forwarded }
}

/** An answer of an origin; a list of chunks has no declared length. */
export function answerOf(
  content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | null,
  headers: RawHeaders = ['content-type', 'application/json'],
  status = 200,
): Answer {
  const head = { status, reason: '', headers, version: '1.1' } as const
  if (content === null) return { head, body: null }
  if (typeof content === 'string' || content instanceof Uint8Array)
    return { head, body: bytesBody(Buffer.from(content)) }
  return { head, body: madeBody(chunksOf(content), undefined) }
}

export const ok = (text = 'hello'): Answer => answerOf(chatAnswer(text))

/** A chat request of OpenAI's dialect. */
export const chatRequest = (text: string, more: object = {}): string =>
  JSON.stringify({ model: 'gpt-5.1', ...more, messages: [{ role: 'user', content: text }] })

export const chatAnswer = (text: string): string =>
  JSON.stringify({
    id: 'chatcmpl-9',
    model: 'gpt-5.1-mini',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: text } }],
    usage: { prompt_tokens: 11, completion_tokens: 5 },
  })

/** The events of a streamed chat answer, one a text, and its end. */
export function chatStream(...texts: string[]): Buffer[] {
  const event = (delta: object, finish: string | null): Buffer =>
    Buffer.from(
      `data: ${JSON.stringify({ id: 'chatcmpl-9', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
    )
  return [...texts.map((content) => event({ content }, null)), event({}, 'stop'), Buffer.from('data: [DONE]\n\n')]
}

export const eventStream: RawHeaders = ['content-type', 'text/event-stream']

/** What a chat client reads of a stream. */
export function spoken(stream: string): string {
  const texts = stream.matchAll(/^data: (\{.*\})$/gm)
  return [...texts].map(([, json]) => deltaOf(json as string)).join('')
}

function deltaOf(json: string): string {
  const { choices } = JSON.parse(json) as { choices?: { delta: { content?: string } }[] }
  return choices?.[0]?.delta.content ?? ''
}

/** One rule that finds the word `bluebird`. */
export const wordRule = (action: string, on = 'both'): string =>
  `rules: [{ name: our project, on: ${on}, hook: keywords, options: { name: project, words: [bluebird] }, action: ${action} }]`

export async function bytesOf(body: Body | null): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function* chunksOf(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const inline = 20_000
