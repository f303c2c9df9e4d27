import type { Fault } from './faults.ts'
import type { Verified } from './source.ts'
import { fingerprintOf } from './statement.ts'

/** What was found, for people: what does not fit first, the verdict and how far it reaches last. */
export function reportLines(found: Verified): string[] {
  return [
    ...found.faults.map(faultLine),
    ...more(found),
    `ledger       ${found.ledger ?? 'unknown'}`,
    `chain        ${count(found.blocks, 'block')}${found.head === null ? '' : `, the last one ${found.head.block} of ${found.head.at}`}`,
    `rows         ${found.rows.exchanges} exchanges, ${found.rows.connections} connections, ${found.rows.events} events`,
    `content      ${contentText(found)}`,
    `checkpoints  ${found.checkpoints}`,
    ...removedText(found),
    ...(found.digestsOnly > 0 ? [`left out     ${count(found.digestsOnly, 'row')}: only their digests are here`] : []),
    found.ok
      ? `ok: nothing was altered; ${proofText(found)}`
      : `failed: ${count(found.faultCount, 'fault')}; ${proofText(found)}`,
  ]
}

/** The first fault in one sentence. */
export function faultLine({ what, table, id, seq, block, at, detail }: Fault): string {
  const row =
    table === 'chain'
      ? ''
      : ` ${id ?? ''}${seq === null ? '' : ` (${table === 'checkpoints' ? 'number' : 'seq'} ${seq})`}`
  const where = block === null ? '' : `, block ${block}${at === null ? '' : ` of ${at}`}`
  return `bad: ${what}: ${table}${row.replace(/\s+/g, ' ')}${where}: ${detail}`
}

/** How far what was found is proved. */
export function proofText({ ok, proof, unsigned }: Verified): string {
  if (proof === null)
    return `no checkpoint fits: all ${count(unsigned.entries, 'entry', 'entries')} of the chain are unsigned`
  const signed = `${ok ? 'proved' : 'the chain is signed'} up to block ${proof.block} by checkpoint ${proof.number} of ${proof.at}, key ${fingerprintOf(proof.key)}`
  return unsigned.entries === 0
    ? signed
    : `${signed}; ${count(unsigned.entries, 'entry', 'entries')} after it chained and not signed yet`
}

function more({ faults, faultCount }: Verified): string[] {
  return faultCount > faults.length ? [`bad: and ${faultCount - faults.length} more`] : []
}

function contentText({ content }: Verified): string {
  const rest = [
    [content.erased, 'erased on request'],
    [content.lost, 'of lost exchanges not there'],
    [content.notKept, 'not kept, as their rows say'],
    [content.sealed, 'not checked: their key is not here'],
    [content.skipped, 'not checked: files were not looked at'],
  ] as const
  return [
    `${count(content.checked, 'body', 'bodies')} checked`,
    ...rest.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`),
  ].join(', ')
}

function removedText({ removed }: Verified): string[] {
  if (removed === null) return []
  const { exchanges, connections, events, from, to, toBlock } = removed
  const rows = `${exchanges} exchanges, ${connections} connections, ${events} events`
  return [`retention    removed up to block ${toBlock}: ${rows}, written ${from ?? '?'} to ${to ?? '?'}`]
}

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`
