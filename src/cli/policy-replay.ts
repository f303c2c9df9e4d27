import { resolve } from 'node:path'
import { replayLedger } from '../app/replay.ts'
import type { ReplayedConnection, ReplayedExchange } from '../app/replay.ts'
import { placeholderKey } from '../app/secrets.ts'
import { bodyKeys } from '../app/body-keys.ts'
import type { LedgerFilter } from '../audit/find/filter.ts'
import { openLedger } from '../audit/find/ledger.ts'
import { contentReader } from '../audit/bodies/read-content.ts'
import type { Config } from '../config/schema.ts'
import type { PolicySet } from '../policy/match.ts'
import { filterOf } from './audit-flags.ts'
import type { Io } from './command.ts'
import { jsonLine, printJson, printLines } from './output.ts'

export type ReplayFlags = Omit<LedgerFilter, 'text'> & {
  readonly since: string
  readonly limit: number
  readonly all?: boolean
  readonly json?: boolean
}

/** Prints what the set would have decided differently of what the ledger holds, and how often. */
export async function replayPolicies(set: PolicySet, config: Config, flags: ReplayFlags, io: Io): Promise<void> {
  const { limit } = flags
  const filter = filterOf(flags)
  const dir = resolve(io.cwd, config.data.dir)
  const warn = (message: string): void => void io.stderr.write(`warning: ${message}\n`)
  const contents = contentReader({ dir, keys: bodyKeys(config, warn, io.env) })
  const ledger = openLedger(dir)
  const counts = new Counts()
  try {
    const key = await placeholderKey(dir)
    const newest = limit === 0 ? undefined : limit
    for await (const one of replayLedger({ set, ledger, contents, filter, limit: newest, placeholderKey: key })) {
      counts.take(one)
      if (!one.differs && flags.all !== true) continue
      await (flags.json === true ? printJson(io, one) : printLines(io, [lineOf(one)]))
    }
  } finally {
    ledger.close()
  }
  await (flags.json === true ? printJson(io, { kind: 'summary', ...counts.summary() }) : printLines(io, counts.lines()))
}

class Counts {
  private readonly seen = { exchange: 0, connection: 0 }
  private readonly changes = new Map<string, number>()
  private readonly unasked = new Set<string>()
  private incomplete = 0
  private readonly unreadable = new Map<string, number>()

  take(one: ReplayedExchange | ReplayedConnection): void {
    this.seen[one.kind]++
    if (one.differs) {
      const change = `${one.kind}s: ${one.recorded.decision} → ${one.now.decision}`
      this.changes.set(change, (this.changes.get(change) ?? 0) + 1)
    }
    if (one.kind === 'connection') return
    for (const rule of one.unasked) this.unasked.add(rule)
    if (one.missing.length > 0) this.incomplete++
    for (const reason of one.unreadable) {
      if (this.unreadable.size < MOST_REASONS || this.unreadable.has(reason))
        this.unreadable.set(reason, (this.unreadable.get(reason) ?? 0) + 1)
    }
  }

  summary() {
    const { exchange: exchanges, connection: connections } = this.seen
    const differ = Object.fromEntries(this.changes)
    const unreadable = Object.fromEntries(this.unreadable)
    return { exchanges, connections, differ, unasked: [...this.unasked], incomplete: this.incomplete, unreadable }
  }

  lines(): string[] {
    const { exchange, connection } = this.seen
    const unasked = [...this.unasked].map((rule) => `note: the rule ${jsonLine(rule)} cannot be asked again: ${LIVE}`)
    const incomplete = this.incomplete === 0 ? [] : [`note: of ${this.incomplete} exchanges ${INCOMPLETE}`]
    return [
      `${exchange} exchanges and ${connection} connections replayed; ${this.changes.size === 0 ? 'nothing differs' : 'different:'}`,
      ...[...this.changes].map(([change, count]) => `  ${count}  ${change}`),
      ...unasked,
      ...incomplete,
      ...[...this.unreadable].map(([reason, count]) => `note: ${count} bodies could not be read: ${reason}`),
    ]
  }
}

function lineOf(one: ReplayedExchange | ReplayedConnection): string {
  const change = `${one.recorded.decision} → ${one.now.decision}`
  const who = one.principal === null ? [] : [one.principal]
  if (one.kind === 'connection')
    return [one.at, one.id, `connection to ${one.host}`, ...who, change, `(${one.now.rule})`].join('  ')
  const rule = one.now.rule ?? one.recorded.rule
  const found = [
    ...added('+', one.now.findings, one.recorded.findings),
    ...added('-', one.recorded.findings, one.now.findings),
  ]
  const why = rule === null ? [] : [`(${rule})`]
  return [one.at, one.id, `${one.host}${one.path}`, ...who, change, ...why, ...found].join('  ')
}

/** Types that are in one list only. */
function added(mark: string, types: readonly string[], others: readonly string[]): string[] {
  return types.filter((type) => !others.includes(type)).map((type) => `${mark}${type}`)
}

const MOST_REASONS = 5
const LIVE = 'what it says depends on the moment or on others; the record was taken'
const INCOMPLETE = 'a body was not kept whole: there, only what was found then is known'
