import { resolve } from 'node:path'
import { isDeviceId } from '../attest/device-id.ts'
import { reconcile } from '../audit/reconcile/reconcile.ts'
import type { Mismatch, Reconciled, Side } from '../audit/reconcile/reconcile.ts'
import { UsageError } from './command.ts'
import type { Io } from './command.ts'
import { timeOf } from './flags.ts'
import { jsonLine, printJson, printLines } from './output.ts'

export type ReconcileFlags = {
  readonly since?: string
  readonly until?: string
  readonly device?: string
  readonly json?: boolean
}

/** Names what only one of two ledgers tells of attestations. Gives 1 when there is something that cannot be explained. */
export async function reconcileLedgers(a: string, b: string, flags: ReconcileFlags, io: Io): Promise<number> {
  const { device, json } = flags
  if (device !== undefined && !isDeviceId(device))
    throw new UsageError(`--device ${jsonLine(device)} is no id of a device`)
  const [since, until] = [timeOf('since', flags.since), timeOf('until', flags.until)]
  const paths = { A: resolve(io.cwd, a), B: resolve(io.cwd, b) }
  if (paths.A === paths.B) throw new UsageError('A and B are the same ledger')
  const found = reconcile(paths.A, paths.B, { since, until, device })
  try {
    for (const one of found.mismatches()) await (json === true ? printJson(io, one) : printLines(io, [lineOf(one)]))
    const { sides, both, count } = found
    const ok = count['only-sent'] + count['only-received'] + count.differs + count.replayed === 0
    if (json === true) await printJson(io, { ok, A: { path: a, ...sides.A }, B: { path: b, ...sides.B }, both, count })
    else await printLines(io, summary({ A: a, B: b }, found, ok))
    for (const ledger of ['A', 'B'] as const) for (const note of notes(ledger, sides[ledger])) io.stderr.write(note)
    return ok ? 0 : 1
  } finally {
    found.close()
  }
}

function lineOf({ what, ledger, at, host, port, device, outcome, jti, table, id, detail, error }: Mismatch): string {
  const parts = [what.padEnd(13), ledger, at, `${host ?? '-'}:${port ?? '-'}`, device ?? '-', outcome, jti, table, id]
  const more = [detail === null ? '' : `other: ${detail}`, error === null ? '' : `error: ${error}`]
  return [...parts, ...more].filter((part) => part !== '').join('  ')
}

function summary(paths: { A: string; B: string }, { sides, both, count }: Reconciled, ok: boolean): string[] {
  const outcomes = Object.entries(both).map(([outcome, number]) => `${number} ${outcome}`)
  return [
    ...(['A', 'B'] as const).map((ledger) => {
      const { sent, received } = sides[ledger]
      return `${ledger}     ${paths[ledger]}: ${sent} sent, ${received} received`
    }),
    `both  ${outcomes.length === 0 ? 'none' : outcomes.join(', ')}`,
    ok
      ? `ok: each tells of what the other does${count.failed === 0 ? '' : `; ${count.failed} were sent with a CONNECT that failed`}`
      : `failed: ${Object.entries(count)
          .filter(([, number]) => number > 0)
          .map(([what, number]) => `${number} ${what}`)
          .join(', ')}`,
  ]
}

function notes(ledger: 'A' | 'B', { open, lost }: Side): string[] {
  const of = (number: number): string => `${number} ${number === 1 ? 'exchange' : 'exchanges'} of ${ledger}`
  return [
    ...(open > 0 ? [`note: not ended, so that it is not told yet what it was sent with: ${of(open)}\n`] : []),
    ...(lost > 0 ? [`note: lost, so that nothing tells what it was sent with: ${of(lost)}\n`] : []),
  ]
}
