import { backFill } from '../audit/export/backfill.ts'
import { cursorsOf } from '../audit/export/cursors.ts'
import { failureOf } from '../audit/export/failure.ts'
import { retryLetters } from '../audit/export/letters.ts'
import type { SinkSettings } from '../audit/export/settings.ts'
import { BatchRefused, type ExportRow, type Sink } from '../audit/sinks/sink.ts'
import { newEventId } from '../core/ids.ts'
import { openStore, openStoreForReading, type Store } from '../store/open.ts'
import { fillerOf, openSinkOf, type Place, recordExport, sinkNamed } from './audit-export-place.ts'
import { filterOf } from './audit-flags.ts'
import { UsageError } from './command.ts'
import { printable, printJson, printLines } from './output.ts'

export type SinkFlags = { readonly since?: string; readonly until?: string }

/** Sends one row that says it is a test, and prints what became of it. */
export async function testSink(place: Place, name: string): Promise<number> {
  const settings = sinkNamed(place, name)
  const sink = openSinkOf(settings)
  const began = performance.now()
  try {
    const [refused] = await sink.send([testRow(name)], AbortSignal.timeout(TEST_MS))
    if (refused !== undefined) throw new BatchRefused(refused.reason)
    const ms = Math.round(performance.now() - began)
    if (place.json) await printJson(place.io, { sink: name, delivered: true, ms })
    else await printLines(place.io, [`${name}: ${answerOf(settings)} (${ms} ms)`])
    return 0
  } catch (thrown) {
    const { class: kind, reason } = failureOf(thrown)
    if (place.json) await printJson(place.io, { sink: name, delivered: false, class: kind, reason })
    place.io.stderr.write(failureText(name, thrown))
    return 1
  } finally {
    await sink.close()
  }
}

/** Sends rows of the past to a sink; its cursor stays where it is. */
export async function backFillSink(place: Place, name: string, flags: SinkFlags): Promise<number> {
  const settings = sinkNamed(place, name)
  const { since, until } = filterOf({ since: flags.since, until: flags.until })
  if (since === undefined) throw new UsageError('--sink needs --since: the time from which rows are sent')
  const progress = { rows: 0, refused: 0, at: since }
  const { stderr } = place.io
  return withSink(place, settings, async (db, sink, signal) => {
    const cursors = cursorsOf(db, Date.now)
    try {
      const { include, batch } = settings
      const fill = settings.bodies === true ? fillerOf(place, db) : undefined
      const steps = backFill({
        db,
        sink,
        include,
        fill,
        since,
        until,
        signal,
        batch: { ...defaultBatch, ...batch },
        tries: TRIES,
        backoff: { firstMs: 500, mostMs: 10_000 },
        random: Math.random,
        failed: (cause) => stderr.write(`note: ${printable(failureOf(cause).reason)}; trying again\n`),
      })
      let told = performance.now()
      for await (const { delivered, dead, at } of steps) {
        cursors.bury(name, dead)
        progress.rows += delivered
        progress.refused += dead.length
        progress.at = at
        if (performance.now() - told < TELL_MS) continue
        told = performance.now()
        stderr.write(`${progress.rows} rows, up to ${at}\n`)
      }
    } catch (thrown) {
      stderr.write(signal.aborted ? 'error: interrupted\n' : failureText(name, thrown))
      stderr.write(`hint: ${progress.rows} rows were sent; go on with --since ${progress.at}\n`)
      return 1
    } finally {
      recordExport(place, name, { since, until: until ?? null, rows: progress.rows, refused: progress.refused })
    }
    await printOutcome(place, { sink: name, ...progress })
    return 0
  })
}

/** Sends dead letters again: those of one sink, or of all. */
export async function retrySink(place: Place, only: string | undefined): Promise<number> {
  const names = only === undefined ? place.config.audit.export.map(({ name }) => name) : [only]
  let status = 0
  for (const name of names) {
    const settings = sinkNamed(place, name)
    const counts = { delivered: 0, refused: 0, gone: 0 }
    const outcome = await withSink(place, settings, async (db, sink, signal) => {
      const fill = settings.bodies === true ? fillerOf(place, db) : undefined
      try {
        for await (const one of retryLetters(db, { name, sink, fill, now: Date.now, signal })) counts[one.outcome] += 1
        return counts.refused === 0 ? 0 : 1
      } catch (thrown) {
        place.io.stderr.write(failureText(name, thrown))
        return 1
      } finally {
        if (counts.delivered > 0) recordExport(place, name, { deadLetters: true, rows: counts.delivered })
      }
    })
    if (place.json) await printJson(place.io, { sink: name, ...counts })
    else await printLines(place.io, [countsLine(name, counts)])
    status = Math.max(status, outcome)
  }
  return status
}

async function withSink(
  { config }: Place,
  settings: SinkSettings,
  use: (db: Store, sink: Sink, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const { dir } = config.data
  // A ledger that is not there is not made by exporting it.
  openStoreForReading({ dir }).close()
  const sink = openSinkOf(settings)
  const db = openStore({ dir, durability: config.audit.durability })
  const ended = new AbortController()
  const stop = (): void => ended.abort()
  process.once('SIGINT', stop)
  try {
    return await use(db, sink, ended.signal)
  } finally {
    process.removeListener('SIGINT', stop)
    await sink.close()
    db.close()
  }
}

async function printOutcome(
  place: Place,
  outcome: { readonly sink: string; readonly rows: number; readonly refused: number; readonly at: string },
): Promise<void> {
  if (place.json) return printJson(place.io, outcome)
  const { sink, rows, refused } = outcome
  await printLines(place.io, [
    `${sink}: ${rows} rows sent${refused === 0 ? '' : `, ${refused} refused: see --dead-letters ${sink}`}`,
  ])
}

function countsLine(name: string, { delivered, refused, gone }: Record<'delivered' | 'refused' | 'gone', number>) {
  return `${name}: ${delivered} delivered, ${refused} refused again, ${gone} no longer in the ledger`
}

function testRow(sink: string): ExportRow {
  const now = Date.now()
  const row = {
    id: newEventId(now),
    at: new Date(now).toISOString(),
    who: 'sallyport',
    what: 'export.test',
    subject: sink,
    before: null,
    after: { test: true, message: 'A test of `sallyport audit export --test`: no row of the ledger.' },
  }
  return { table: 'events', row, block: 0 }
}

function answerOf(settings: SinkSettings): string {
  const udp = 'address' in settings && String(settings.address).startsWith('udp:')
  return udp
    ? 'sent; over UDP nobody says whether it arrived: look there for export.test'
    : 'the receiver took the test row'
}

function failureText(name: string, thrown: unknown): string {
  return `error: ${name}: ${printable(failureOf(thrown).reason)}\nhint: ${hintFor(thrown)}\n`
}

function hintFor(thrown: unknown): string {
  if (thrown instanceof BatchRefused)
    return 'The receiver is there and does not take the row: look at `format`, at its index and its own log.'
  const { class: kind, reason } = failureOf(thrown)
  if (/credential|answered 40[137]/.test(reason))
    return 'Check the token, key or secret of the sink, and its rights at the receiver.'
  return hints[kind]
}

const hints: Readonly<Record<ReturnType<typeof failureOf>['class'], string>> = {
  unreachable: 'Check address and port of the sink, that the receiver runs, and that a firewall lets it through.',
  tls: 'A private authority goes in `ca` of the sink; the name in its address must be in the certificate; `clientCert` and `clientKey` where the receiver asks for one.',
  timeout: 'The receiver does not answer: is it the right port, and TLS on both sides or on none?',
  receiver: 'The receiver answered so: its own log knows more.',
  ledger: 'Look at the disk, then at `sallyport doctor`.',
  fault: 'Run it again with --debug and look at the cause.',
}

const TEST_MS = 30_000
const TRIES = 6
const TELL_MS = 2_000
const defaultBatch = { rows: 500, bytes: 2 ** 20 }
