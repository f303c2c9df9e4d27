import type { LedgerFilter } from '../audit/find/filter.ts'
import type { Ledger } from '../audit/find/ledger.ts'
import type { LedgerRow } from '../audit/find/presented.ts'
import type { ContentReader, ContentRow } from '../audit/bodies/read-content.ts'
import type { Target } from '../core/http.ts'
import type { Media, TextPart } from '../core/text.ts'
import { strictest } from '../core/verdict.ts'
import type { Action } from '../core/verdict.ts'
import { joinedTexts } from '../engine/whole-stream.ts'
import { tenantOf } from '../engine/request.ts'
import { createVault, vaultKeyFor } from '../inspect/tokens.ts'
import type { PolicySet } from '../policy/match.ts'
import { replayExchange } from '../policy/replay.ts'
import type { RecordedBody, RecordedFinding } from '../policy/replay.ts'
import { identify } from '../providers/identify.ts'
import type { About, Provider } from '../providers/provider.ts'
import { bodyTypeOf } from './body-type.ts'

/** What a recorded exchange was decided, and what it would be now. */
export type ReplayedExchange = {
  readonly kind: 'exchange'
  readonly id: string
  readonly at: string
  readonly host: string
  readonly path: string
  readonly model: string | null
  readonly principal: string | null
  readonly recorded: Outcome
  readonly now: Outcome
  /** Rules that could not be asked again, because their word depends on others or on the moment. */
  readonly unasked: readonly string[]
  /** Bodies of which nothing, or not all, was kept: of them only what was found then is known. */
  readonly missing: readonly ('request' | 'response')[]
  /** Of these, why those that were kept cannot be read. */
  readonly unreadable: readonly string[]
  readonly differs: boolean
}

export type ReplayedConnection = {
  readonly kind: 'connection'
  readonly id: string
  readonly at: string
  readonly host: string
  readonly principal: string | null
  readonly recorded: { readonly decision: string }
  readonly now: { readonly decision: string; readonly rule: string }
  readonly differs: boolean
}

export type Outcome = { readonly decision: string; readonly rule: string | null; readonly findings: readonly string[] }

export type ReplayOptions = {
  readonly set: PolicySet
  readonly ledger: Ledger
  /** Opens stored bodies. */
  readonly contents: Pick<ContentReader, 'read'>
  readonly filter: Omit<LedgerFilter, 'text'>
  /** The newest so many of each kind; all without it. */
  readonly limit: number | undefined
  /** The installation's, from which placeholders are derived. */
  readonly placeholderKey: Uint8Array
}

/** Runs the set over recorded connections, then over recorded exchanges, each oldest first. What has not ended is left out. */
export async function* replayLedger(options: ReplayOptions): AsyncGenerator<ReplayedExchange | ReplayedConnection> {
  const { set, ledger, filter, limit } = options
  const { since, until, host, principal } = filter
  for (const row of ledger.find('connections', { since, until, host, principal }, limit).rows()) {
    const replayed = replayedConnection(set, row)
    if (replayed !== undefined) yield replayed
  }
  for (const row of ledger.find('exchanges', filter, limit).rows()) {
    if (row.state === 'open' || row.decision === 'attested') continue
    yield await replayedExchange(options, row)
  }
}

/** Only what policy decided, not what a fault or the client did. */
function replayedConnection(set: PolicySet, row: LedgerRow): ReplayedConnection | undefined {
  const { id, at, host, handling } = row as Record<'id' | 'at' | 'host' | 'handling', string>
  const byPolicy =
    handling === 'inspect' ||
    (handling === 'tunnel' && !byBytes.has(textOf(row.reason)) && row.error === null) ||
    (handling === 'deny' && row.error === 'policy_denied' && textOf(row.reason).startsWith('policy denies '))
  if (!byPolicy || host === null || row.port === null) return undefined
  const principal = row.principal as string | null
  const about = { host, port: Number(row.port), clientIp: textOf(row.client_ip), principal }
  const { action, reason } = set.intercept(about)
  return {
    kind: 'connection',
    id,
    at,
    host,
    principal,
    recorded: { decision: handling },
    now: { decision: action, rule: reason },
    differs: handling !== action,
  }
}

async function replayedExchange(options: ReplayOptions, bare: LedgerRow): Promise<ReplayedExchange> {
  const { set } = options
  const { row, missing, unreadable } = await withBodies(options.contents, bare)
  const { id, at, host, path } = row as Record<'id' | 'at' | 'host' | 'path', string>
  const [principal, model] = [row.principal as string | null, row.model as string | null]
  const findings = (Array.isArray(row.findings) ? row.findings : []) as readonly RecordedFinding[]
  const was = {
    decision: recordedDecision(row, findings),
    rule: row.rule as string | null,
    findings: [...new Set(findings.map(({ type }) => type))].sort(),
  }
  const refused = postureOf(set, row)
  const now = refused ?? (await decided(options, row, findings))
  return {
    kind: 'exchange',
    id,
    at,
    host,
    path,
    model,
    principal,
    recorded: was,
    now: { decision: now.decision, rule: now.rule, findings: now.types },
    unasked: now.unasked,
    missing,
    unreadable,
    differs: now.decision !== was.decision || now.types.join() !== was.findings.join(),
  }
}

async function decided({ set, placeholderKey }: ReplayOptions, row: LedgerRow, findings: readonly RecordedFinding[]) {
  const target = targetOf(row)
  const { provider, operation } = identify(target, String(row.method))
  const [principal, clientIp] = [row.principal as string | null, textOf(row.client_ip)]
  const key = vaultKeyFor(placeholderKey, tenantOf({ exchange: { principal, clientIp } }))
  const facts = {
    door: row.door as string,
    clientIp,
    principal,
    host: target.host,
    port: String(target.port),
    path: target.path,
    method: String(row.method),
    provider: provider.name,
    operation,
    model: row.model as string | null,
  }
  const about = { operation, target }
  const recorded = {
    facts,
    request: bodyOf(row, 'request', (text) => readRequest(provider, text, about)),
    response: bodyOf(row, 'response', (text) => readAnswer(provider, text, about)),
    findings,
  }
  return replayExchange(set, recorded, createVault({ key, maxEntries: 1_000 }))
}

function bodyOf(
  row: LedgerRow,
  side: 'request' | 'response',
  read: (text: string) => readonly TextPart[],
): RecordedBody {
  const text = row[`${side}_body`]
  return {
    parts: typeof text === 'string' ? read(text) : undefined,
    bodyBytes: Number(row[`${side}_bytes`] ?? 0),
  }
}

type Kind = Pick<About, 'operation' | 'target'>

function readRequest(provider: Provider, text: string, kind: Kind): readonly TextPart[] {
  return texts(text, kind, (one) => provider.readRequest(one, { ...kind, contentType: bodyTypeOf(one) }).parts)
}

function readAnswer(provider: Provider, text: string, kind: Kind): readonly TextPart[] {
  const contentType = bodyTypeOf(text)
  const reader = provider.reader({ ...kind, contentType })
  if (reader === undefined)
    return texts(text, kind, (one) => provider.readAnswer(one, { ...kind, contentType: bodyTypeOf(one) }).parts)
  return joinedTexts([...reader.push(Buffer.from(text)), ...reader.end()])
}

/** A conversation of messages is kept a message a line. */
function texts(text: string, { operation }: Kind, read: (one: string) => readonly TextPart[]): readonly TextPart[] {
  return operation === 'realtime' ? text.split('\n').flatMap((line) => (line === '' ? [] : read(line))) : read(text)
}

type WithBodies = { readonly row: LedgerRow } & Pick<ReplayedExchange, 'missing' | 'unreadable'>

async function withBodies(contents: ReplayOptions['contents'], row: LedgerRow): Promise<WithBodies> {
  const whole: Record<string, unknown> = { ...row }
  const unreadable: string[] = []
  for (const side of sides) {
    const read = await contents.read(row as ContentRow, side)
    whole[`${side}_body`] = read.kind === 'content' ? read.bytes.toString('utf8') : null
    if (read.kind === 'unreadable') unreadable.push(read.reason)
  }
  const missing = sides.filter((side) => {
    const bytes = Number(whole[`${side}_bytes`] ?? 0)
    return bytes > 0 && (typeof whole[`${side}_body`] !== 'string' || whole[`${side}_truncated`] === 1)
  })
  return { row: whole, missing, unreadable }
}

const sides = ['request', 'response'] as const

/** An exchange that failed afterwards was decided all the same. */
function recordedDecision({ decision, error }: LedgerRow, findings: readonly RecordedFinding[]): string {
  if (typeof decision === 'string' && decision !== 'error') return decision
  return postures.has(codeOf(error)) ? 'block' : strictest(findings.map(({ action }) => action))
}

/** What becomes of a body of which nothing is kept because it could not be read then, or of one that holds what nobody can read. */
function postureOf(set: PolicySet, { error }: LedgerRow) {
  const posture = postures.get(codeOf(error))
  const unread = /not_inspected: (image|audio|video|pdf|binary)\b/.exec(textOf(error))?.[1] as Media | undefined
  const blocked =
    (posture !== undefined && set[posture] === 'block') || (unread !== undefined && set.opaque[unread] === 'block')
  if (posture === undefined && !blocked) return undefined
  const decision: Action = set.mode === 'enforce' && blocked ? 'block' : 'allow'
  return { decision, rule: null, types: [], unasked: [] }
}

/** The row's `error` is a code, or why something was not inspected, or both. */
function codeOf(error: unknown): string {
  return textOf(error).split(';', 1)[0] ?? ''
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function targetOf(row: LedgerRow): Target {
  const [path = '', query] = String(row.path).split('?', 2)
  const port = Number(row.port)
  const scheme = port === 80 ? 'http' : 'https'
  return { scheme, host: String(row.host), port, path, query: query === undefined ? '' : `?${query}` }
}

const postures: ReadonlyMap<string, 'oversize' | 'unreadable'> = new Map([
  ['sallyport_too_large', 'oversize'],
  ['unreadable_body', 'unreadable'],
])

/** Why a connection was relayed although policy says something else of its host. */
const byBytes: ReadonlySet<string> = new Set(['client rejects the leaf', 'not TLS'])
