import type { FaultList, Wrong } from './faults.ts'
import type { Block, CheckpointLine, Proof, Removed, Source, Start, VerifyOptions } from './source.ts'
import { isSigned, sha256Hex, type Statement, statementOf } from './statement.ts'

/** Holds the checkpoints against the chain while it is walked. */
export type CheckpointWalk = {
  /** Where the chain may go on at this block although those before it are not there. */
  readonly start: (block: Block) => Start | undefined
  readonly begins: (block: Block) => void
  /** A block was walked; `entries` of it and all before, and the last block so far that does not follow the one before it. */
  readonly reached: (block: Block, entries: number, torn: number) => Promise<void>
  readonly end: (head: Block | undefined) => Promise<void>
  readonly outcome: () => {
    readonly proof: Proof | null
    readonly ledger: string | null
    readonly count: number
    readonly removed: Removed | null
  }
}

export async function checkpointWalk(
  source: Source,
  options: VerifyOptions,
  faults: FaultList,
): Promise<CheckpointWalk> {
  const { starts, retained } = await startsOf(source, options)
  const own = await reader(source.checkpoints())
  const kept = (options.kept ?? []).toSorted((a, b) => a.block - b.block)
  const texts = new Map(kept.map((line) => [line.number, line.statement]))
  const judge = judgeOf(options)
  let ledger: string | null = null
  let before: { readonly number: number; readonly statement: string } | undefined
  let proof: Proof | null = null
  let removed: Removed | null = null
  let count = 0
  let first = Infinity
  let nextKept = 0
  const rewrites = rewriteWalk(faults)

  function fault(what: Wrong, line: CheckpointLine, detail: string, block = line.block): void {
    const { number: seq, at } = line
    faults.add({ what, table: 'checkpoints', id: null, seq, block, at, index: Infinity, detail })
  }

  function start(block: Block): Start | undefined {
    const found = starts.get(block.n - 1)
    if (found !== undefined) removed = found.removed
    return found
  }

  function begins(block: Block): void {
    first = block.n
    if (block.n === 0) ledger = Buffer.from(block.link).toString('hex')
  }

  /** What it states, when it can be believed; all that is wrong with it by itself is told. */
  function judged(line: CheckpointLine): Statement | undefined {
    const said = statementOf(line)
    if (said === undefined) fault('checkpoint altered', line, 'it is not what was signed')
    else if (!judge(line, said)) fault('checkpoint signature', line, 'no key that is trusted signed it')
    else if (said.ledger !== (ledger ??= said.ledger)) fault('checkpoint altered', line, 'it is of another ledger')
    else return said
    return undefined
  }

  function follows(line: CheckpointLine, said: Statement | undefined): void {
    const expected = (before?.number ?? (source.excerpt ? line.number - 1 : 0)) + 1
    if (line.number > expected && line.number > retained)
      fault('removed', { ...line, number: expected }, `checkpoints ${expected} to ${line.number - 1} are missing`)
    if (line.number < expected) fault('inserted', line, 'its number was there before')
    const linked = line.number === (before?.number ?? 0) + 1
    const previous = before === undefined ? null : sha256Hex(before.statement)
    if (linked && said !== undefined && said.previous !== previous)
      fault('checkpoint altered', line, 'it does not follow the one before it')
    before = line
  }

  function compare(said: Statement | undefined, block: Block, entries: number, torn: number): void {
    if (said === undefined || said.block !== block.n) return
    if (rewrites.fits(said, block, entries, { first, torn }))
      proof = { number: said.number, at: said.at, block: said.block, entries, key: said.key }
  }

  function ownLine(line: CheckpointLine): Statement | undefined {
    count += 1
    const said = judged(line)
    follows(line, said)
    const text = texts.get(line.number)
    texts.delete(line.number)
    if (text !== undefined && text !== line.statement)
      fault('checkpoint altered', line, 'the one with this number that was kept elsewhere is another')
    return said
  }

  async function reached(block: Block, entries: number, torn: number): Promise<void> {
    for (let line = own.peek(); line !== undefined && line.block <= block.n; line = await own.next())
      compare(ownLine(line), block, entries, torn)
    for (let line = kept[nextKept]; line !== undefined && line.block <= block.n; line = kept[(nextKept += 1)])
      compare(judged(line), block, entries, torn)
  }

  async function end(head: Block | undefined): Promise<void> {
    const beyond = (line: CheckpointLine, said: Statement | undefined): void => {
      if (said === undefined) return
      const detail = `checkpoint ${said.number} of ${said.at} covers blocks up to ${said.block}; the chain ends at ${head?.n ?? 'nothing'}`
      fault('truncated', line, detail, (head?.n ?? -1) + 1)
    }
    for (let line = own.peek(); line !== undefined; line = await own.next()) beyond(line, ownLine(line))
    for (const line of kept.slice(nextKept)) beyond(line, judged(line))
    for (const line of kept.slice(0, nextKept))
      if (texts.has(line.number) && line.number > retained)
        fault('removed', line, 'it was kept elsewhere and is not here')
  }

  return { start, begins, reached, end, outcome: () => ({ proof, ledger, count, removed }) }
}

/**
 * Tells of blocks that are not those that a checkpoint covers. Each rewrite is told once, not again by every checkpoint that comes later; where the
 * chain is torn in those blocks, that says more exactly where, and this is told behind it.
 */
function rewriteWalk(faults: FaultList) {
  let last = -1
  let lost = 0
  let within = false

  return {
    /** Whether all up to this block is what was signed. `first` is where the chain begins. */
    fits(said: Statement, block: Block, entries: number, { first, torn }: { first: number; torn: number }): boolean {
      const linked = said.link === Buffer.from(block.link).toString('hex')
      const same = linked && said.entries === entries + lost
      if (!same && !within) {
        const from = Math.min(said.block, Math.max(first, last + 1))
        const detail = `checkpoint ${said.number} covers another content of blocks ${from} to ${said.block}: they were rewritten`
        const place = torn >= from ? { block: said.block, index: Infinity } : { block: from, index: -1 }
        faults.add({ what: 'chain altered', table: 'chain', id: null, seq: null, at: said.at, ...place, detail })
      }
      within = !linked
      if (linked) {
        last = block.n
        lost = said.entries - entries
      }
      return linked && lost === 0
    },
  }
}

/** Whether a trusted key signed. Without keys the first one that is named is taken, and must stay. */
function judgeOf({ keys }: VerifyOptions): (line: CheckpointLine, said: Statement) => boolean {
  let only: string | undefined
  return (line, said) => {
    const trusted = keys.length > 0 ? keys.includes(said.key) : said.key === (only ??= said.key)
    return trusted && isSigned(line, said.key)
  }
}

/** After which blocks a chain may begin, and the number of the checkpoint that retention made last. */
async function startsOf(
  source: Source,
  options: VerifyOptions,
): Promise<{ starts: Map<number, Start>; retained: number }> {
  const judge = judgeOf(options)
  const starts = new Map<number, Start>()
  let newest: CheckpointLine | undefined
  for await (const line of source.checkpoints()) {
    if (line.reason === 'retention') newest = line
    const said = source.excerpt ? statementOf(line) : undefined
    if (said === undefined || !judge(line, said)) continue
    const { block, link, entries, removed } = said
    starts.set(block, { block, link: Buffer.from(link, 'hex'), entries, removed })
  }
  const said = newest === undefined ? undefined : statementOf(newest)
  if (newest === undefined || said === undefined || said.removed === null || !judge(newest, said))
    return { starts, retained: 0 }
  const { toBlock: block, link, entries } = said.removed
  starts.set(block, { block, link: Buffer.from(link, 'hex'), entries, removed: said.removed })
  return { starts, retained: said.number }
}

async function reader<T>(of: Iterable<T> | AsyncIterable<T>) {
  const iterator = Symbol.asyncIterator in of ? of[Symbol.asyncIterator]() : of[Symbol.iterator]()
  let current: T | undefined
  const next = async (): Promise<T | undefined> => {
    const step = await iterator.next()
    return (current = step.done === true ? undefined : step.value)
  }
  await next()
  return { peek: () => current, next }
}
