import { hash } from 'node:crypto'
import { chainColumns, chainOf, type ChainValue, digestOf, entryKinds } from '../../src/store/chain.ts'
import { openStore, type Store } from '../../src/store/open.ts'

export type FillOptions = {
  readonly exchanges: number
  readonly connections: number
  /** Of so many exchanges one has its bodies in the row; their mean length in characters. */
  readonly bodiesEvery: number
  readonly bodyLength: number
  readonly seed: number
}

/** Fills a ledger with rows such as a year brings: a few busy models and people, many rare ones, findings now and then. */
export function fillLedger(dir: string, options: FillOptions): void {
  const db = openStore({ dir, durability: 'relaxed' })
  const random = randomFrom(options.seed)
  const exchange = inserter(db, 'exchanges')
  const connection = inserter(db, 'connections')
  const everyConnection = options.connections === 0 ? Infinity : options.exchanges / options.connections
  let connections = 0
  for (let at = 0; at < options.exchanges; at += IN_BLOCK) {
    db.transaction(() => {
      chainOf(db).write(new Date(START).toISOString(), ({ n, add }) => {
        const end = Math.min(at + IN_BLOCK, options.exchanges)
        for (let i = at; i < end; i += 1) {
          const row = exchangeRow(i, random, options)
          add(entryKinds.once, exchange(row, n), row.digest)
        }
        while (connections * everyConnection < end && connections < options.connections) {
          const row = connectionRow(connections++, random, everyConnection)
          add(entryKinds.connection, connection(row, n), row.digest)
        }
      })
    }).immediate()
  }
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

type Random = () => number
type Row = {
  readonly values: readonly ChainValue[]
  readonly bodies: readonly (string | null)[]
  readonly digest: Buffer
}
type Table = 'exchanges' | 'connections'

function inserter(db: Store, table: Table): (row: Row, block: number) => number {
  const bodies = table === 'exchanges' ? ['request_body', 'response_body'] : []
  const names = [...chainColumns[table], 'block', ...bodies]
  const insert = db.prepare(
    `INSERT INTO ${table} (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  )
  return ({ values, bodies: texts }, block) =>
    Number(insert.run([...values, block, ...texts.slice(0, bodies.length)]).lastInsertRowid)
}

function exchangeRow(i: number, random: Random, { bodiesEvery, bodyLength }: FillOptions): Row {
  const at = new Date(START + i * EVERY_MS)
  const [provider, host, model] = rare(random, models)
  const found = random() < 0.03 ? Array.from({ length: 1 + Math.floor(random() * 3) }, () => rare(random, types)) : []
  const decision = found.length === 0 ? (random() < 0.01 ? 'error' : 'allow') : rare(random, actions)
  const tokens = Math.floor(200 * random() ** -0.7)
  const cached = random() < 0.4 ? tokens : 0
  const bodies =
    i % bodiesEvery === 0
      ? [`{"messages":[{"role":"user","content":"${prose(random, bodyLength)}"}]}`, prose(random, bodyLength)]
      : []
  const values: Record<string, ChainValue> = {
    id: idOf(at.getTime(), random),
    at: at.toISOString(),
    door: random() < 0.8 ? 'proxy' : 'gateway',
    client_ip: `10.0.${Math.floor(random() * 8)}.${Math.floor(random() * 256)}`,
    principal: `person-${Math.floor(1_000 * random() ** 3)}`,
    host,
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    http_version: '2',
    upstream_http_version: '2',
    provider,
    operation: 'chat',
    model,
    stream: random() < 0.7 ? 1 : 0,
    status: decision === 'block' ? 403 : decision === 'error' ? 502 : 200,
    decision,
    rule: found.length === 0 ? null : 'secrets',
    state: random() < 0.01 ? 'aborted' : 'done',
    request_bytes: tokens * 5,
    response_bytes: tokens * 9,
    first_byte_ms: rounded(300 + 900 * random()),
    duration_ms: rounded(800 * random() ** -0.5),
    added_ms: rounded(0.4 + 3 * random() ** 4),
    input_tokens: tokens,
    cached_tokens: cached,
    cache_write_tokens: 0,
    output_tokens: Math.floor(tokens / 3),
    reasoning_tokens: random() < 0.3 ? tokens : 0,
    cost_usd: random() < 0.9 ? rounded(tokens / 40) / 1_000 : null,
    finish_reason: 'stop',
    upstream_id: `chatcmpl-${Math.floor(random() * 1e15).toString(36)}`,
    policy: 'd'.repeat(64),
    connection_id: idOf(at.getTime(), random),
    request_sha256: bodies[0] === undefined ? null : hash('sha256', bodies[0]),
    response_sha256: bodies[1] === undefined ? null : hash('sha256', bodies[1]),
    request_truncated: 0,
    response_truncated: 0,
    hooks: HOOKS,
    findings: JSON.stringify(found.map((type) => ({ ...FINDING, type }))),
  }
  return rowOf('exchanges', values, bodies)
}

function connectionRow(i: number, random: Random, every: number): Row {
  const at = START + i * every * EVERY_MS
  const host = `site-${Math.floor(2_000 * random() ** 2)}.example`
  return rowOf('connections', {
    id: idOf(at, random),
    at: new Date(at).toISOString(),
    client_ip: '10.0.0.1',
    principal: `person-${Math.floor(1_000 * random() ** 3)}`,
    host,
    port: 443,
    sni: host,
    alpn: 'h2',
    handling: rare(random, handlings),
    bytes_up: Math.floor(random() * 1e5),
    bytes_down: Math.floor(random() * 1e7),
    duration_ms: rounded(random() * 1e5),
  })
}

function rowOf(table: Table, given: Readonly<Record<string, ChainValue>>, bodies: readonly string[] = []): Row {
  const values = chainColumns[table].map((name) => given[name] ?? null)
  return { values, bodies: [bodies[0] ?? null, bodies[1] ?? null], digest: digestOf(table, values) }
}

function prose(random: Random, length: number): string {
  let text = ''
  const wanted = length * (0.5 + random())
  while (text.length < wanted) text += `${vocabulary[Math.floor(vocabulary.length * random() ** 2)]} `
  return text
}

/** The first ones most often. */
const rare = <T>(random: Random, from: readonly T[]): T => from[Math.floor(from.length * random() ** 3)] as T

const idOf = (at: number, random: Random): string => {
  const hex =
    at.toString(16).padStart(12, '0') +
    Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(20, '7')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

// mulberry32
function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000

const START = Date.parse('2026-01-01T00:00:00.000Z')
const EVERY_MS = 10_000
const IN_BLOCK = 250
const models = [
  ['openai', 'api.openai.com', 'gpt-5.1'],
  ['anthropic', 'api.anthropic.com', 'claude-sonnet-5'],
  ['openai', 'api.openai.com', 'gpt-5.1-mini'],
  ['gemini', 'generativelanguage.googleapis.com', 'gemini-3-pro'],
  ['anthropic', 'api.anthropic.com', 'claude-opus-5'],
  ['bedrock', 'bedrock-runtime.eu-central-1.amazonaws.com', 'anthropic.claude-sonnet-5'],
  ['ollama', 'ollama.example', 'qwen4:32b'],
  ['cohere', 'api.cohere.com', 'command-b'],
  ['generic', 'llm.example', 'in-house'],
] as const
const types = [
  'EMAIL',
  'PHONE',
  'IBAN',
  'CREDIT_CARD',
  'SECRET:aws-access-key',
  'SECRET:github-token',
  'KEYWORD:project-x',
]
const actions = ['redact', 'tokenize', 'flag', 'block'] as const
const handlings = ['tunnel', 'inspect', 'deny', 'failed', 'rejected-leaf'] as const
const FINDING = {
  rule: 'contacts.email',
  policyRule: 'secrets',
  action: 'redact',
  stage: 'request',
  place: 'messages[0].content',
  start: 12,
  end: 40,
  confidence: 0.95,
  severity: 'medium',
}
const HOOKS =
  '[{"hook":"detect","stage":"request","verdict":"allow","us":412},{"hook":"detect","stage":"response","verdict":"allow","us":377}]'
const vocabulary = Array.from({ length: 20_000 }, (_, i) =>
  ((i * 2_654_435_761) % 2 ** 32).toString(36).slice(0, 3 + (i % 7)),
)
