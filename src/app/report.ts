import { openLedger } from '../audit/find/ledger.ts'
import type { LedgerRow } from '../audit/find/presented.ts'

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
      ...tunnels.map((row) => `  ${text(row.handling)}  ${text(row.host)}:${text(row.port)}  ${text(row.reason)}`),
    ]
  } finally {
    ledger.close()
  }
}

function exchangeLine(row: LedgerRow): string {
  const found = findingsOf(row)
  const parts = [
    text(row.decision),
    `${text(row.method)} ${text(row.host)}${text(row.path)}`,
    text(row.status),
    text(row.model),
    text(row.input_tokens) === '' ? '' : `${text(row.input_tokens)}→${text(row.output_tokens)} tokens`,
    found === '' ? '' : `found ${found}`,
    text(row.id),
  ]
  return `  ${parts.filter((part) => part !== '').join('  ')}`
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function findingsOf(row: LedgerRow): string {
  const findings = Array.isArray(row.findings) ? (row.findings as { type: string; action: string }[]) : []
  const counts = new Map<string, number>()
  for (const { type, action } of findings)
    counts.set(`${type} (${action})`, (counts.get(`${type} (${action})`) ?? 0) + 1)
  return [...counts].map(([what, count]) => (count === 1 ? what : `${what} ×${count}`)).join(', ')
}
