import { createHash } from 'node:crypto'
import { checkpointWalk } from './checkpoints.ts'
import { faultList, type FaultList, type Found } from './faults.ts'
import { ENTRY_BYTES, rowWalk } from './rows.ts'
import type { Block, Source, Start, Verified, VerifyOptions } from './source.ts'

// Proves a ledger, or names what does not fit. This file and those it imports use nothing but Node (20.12 or newer), for they are also
// written into exported bundles as a program of their own. docs/ledger.md has the format.

/** Walks the whole of a ledger once, in the order of its blocks. Memory does not grow with its size. */
export async function verify(source: Source, options: VerifyOptions): Promise<Verified> {
  const faults = faultList(options.maxFaults ?? 100)
  const checkpoints = await checkpointWalk(source, options, faults)
  const rows = rowWalk(source, faults)
  const chain = linkWalk(checkpoints.start, faults)
  let blocks = 0
  for await (const block of source.blocks()) {
    if (blocks === 0) checkpoints.begins(block)
    const entries = chain.next(block)
    await rows.next(block)
    await checkpoints.reached(block, entries, chain.torn())
    blocks += 1
    if (blocks % 1_000 === 0) options.progress?.(blocks)
  }
  await checkpoints.end(chain.head())
  await rows.end()
  const { proof, ledger, count, removed } = checkpoints.outcome()
  const head = chain.head()
  if (head === undefined) faults.add(headless)
  for (const detail of source.damages?.() ?? []) faults.add({ what: 'damaged', table: 'database', ...nowhere, detail })
  if (options.signed === true && proof === null) faults.add(unsigned)
  return {
    ok: faults.count() === 0,
    faults: faults.first(),
    faultCount: faults.count(),
    ledger,
    blocks,
    ...rows.outcome(),
    removed,
    proof,
    checkpoints: count,
    head: head === undefined ? null : { block: head.n, at: head.at },
    unsigned: {
      blocks: Math.max(0, (head?.n ?? 0) - (proof?.block ?? 0)),
      entries: Math.max(0, chain.entries() - (proof?.entries ?? 0)),
    },
  }
}

/** Checks each block against the one before. */
function linkWalk(start: (block: Block) => Start | undefined, faults: FaultList) {
  let before: { readonly n: number; readonly link: Uint8Array } | undefined
  let head: Block | undefined
  let entries = 0
  let torn = -1

  /** How many entries there were up to this block, since the ledger began. */
  function next(block: Block): number {
    const jump = before === undefined ? start(block) : undefined
    if (jump !== undefined) {
      before = { n: jump.block, link: jump.link }
      entries = jump.entries
    }
    const problem = problemOf(block)
    if (problem !== undefined) {
      const { n, at } = block
      torn = n
      faults.add({
        what: 'chain altered',
        table: 'chain',
        id: null,
        seq: null,
        block: n,
        at,
        index: -1,
        detail: problem,
      })
    }
    entries += Math.floor(block.entries.length / ENTRY_BYTES)
    before = block
    head = block
    return entries
  }

  function problemOf(block: Block): string | undefined {
    // The first block of all: its link is the identity of the ledger.
    if (before === undefined && block.n === 0) return block.entries.length > 0 ? 'block 0 has entries' : undefined
    if (before === undefined || block.n !== before.n + 1) {
      const from = (before?.n ?? -1) + 1
      return from === block.n - 1 ? `block ${from} is missing` : `blocks ${from} to ${block.n - 1} are missing`
    }
    if (block.entries.length % ENTRY_BYTES !== 0) return 'its entries are cut'
    return linkOf(before.link, block).equals(block.link) ? undefined : 'its link does not fit'
  }

  return { next, head: () => head, entries: () => entries, torn: () => torn }
}

/** SHA-256(previous link ‖ n, 8 bytes big endian ‖ at in UTF-8 ‖ entries). */
export function linkOf(previous: Uint8Array, block: Omit<Block, 'link'>): Buffer {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(block.n))
  return createHash('sha256').update(previous).update(number).update(block.at, 'utf8').update(block.entries).digest()
}

const nowhere = { id: null, seq: null, block: null, at: null, index: Infinity } as const
const unsigned: Found = {
  what: 'removed',
  table: 'checkpoints',
  ...nowhere,
  detail: 'no checkpoint by the key that was named covers any of it',
}
const headless: Found = {
  what: 'removed',
  table: 'chain',
  ...nowhere,
  detail: 'there is not one block, not even the first',
}
