import { openLedger } from '../audit/ledger.ts'
import type { LedgerRow } from '../audit/presented.ts'

/** What was seen and decided since a moment, for people: one line an exchange or tunnel, then what was found. */
export function reportOf(dataDir: string, since: string, owner: number | undefined): string[] {
  const ledger = openLedger(dataDir)
  try {
    const mine = (row: LedgerRow): boolean => owner === undefined || row.owner === undefined || row.owner === owner
    const exchanges = [...ledger.find('exchanges', { since }).rows()].filter(mine)
    const tunnels = [...ledger.find('connections', { since }).rows()].filter((row) => row.handling !== 'inspect')
    return [
      `sallyport: ${exchanges.length} exchange${exchanges.length === 1 ? '' : 's'} inspected, ${tunnels.length} connection${tunnels.length === 1 ? '' : 's'} not inspected`,
      ...exchanges.map(exchangeLine),
      ...tunnels.map((row) => `  ${row.handling}  ${row.host}:${row.port}  ${row.reason ?? ''}`),
    ]
  } finally {
    ledger.close()
  }
}

function exchangeLine(row: LedgerRow): string {
  const tokens = row.input_tokens === null || row.input_tokens === undefined ? '' : `  ${row.input_tokens}→${row.output_tokens ?? '?'} tokens`
  const found = findingsOf(row)
  return `  ${row.decision}  ${row.method} ${row.host}${String(row.path)}  ${row.status ?? '-'}  ${row.model ?? ''}${tokens}${found === '' ? '' : `  found ${found}`}  ${String(row.id).slice(0, 13)}`
}

function findingsOf(row: LedgerRow): string {
  const findings = Array.isArray(row.findings) ? (row.findings as { type: string; action: string }[]) : []
  const counts = new Map<string, number>()
  for (const { type, action } of findings) counts.set(`${type} (${action})`, (counts.get(`${type} (${action})`) ?? 0) + 1)
  return [...counts].map(([what, count]) => (count === 1 ? what : `${what} ×${count}`)).join(', ')
}
