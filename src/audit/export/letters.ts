import { withDeadline } from '../../lib/deadline.ts'
import type { Store } from '../../store/open.ts'
import { type ContentFiller, filledRows } from './content.ts'
import { cursorsOf, type KeptLetter } from './cursors.ts'
import { chainReader } from './reader.ts'
import { BatchRefused, type ExportTable, type Sink } from '../sinks/sink.ts'

/** What became of a dead letter; `gone`: its row is no longer in the ledger. */
export type Retried = {
  readonly letter: KeptLetter
  readonly outcome: 'delivered' | 'refused' | 'gone'
  readonly reason?: string
}

/**
 * Sends the dead letters of a sink again, one by one, oldest first. Those that are taken, and those whose row is gone, are no longer dead letters;
 * the others stay. Throws what the sink throws when it cannot be delivered to.
 */
export async function* retryLetters(
  db: Store,
  options: {
    readonly name: string
    readonly sink: Sink
    readonly fill?: ContentFiller | undefined
    readonly now: () => number
    readonly signal: AbortSignal
  },
): AsyncGenerator<Retried> {
  const cursors = cursorsOf(db, options.now)
  const reader = chainReader(db, { include: everyTable, bodies: false })
  let last = 0
  for (;;) {
    const [letter] = cursors.letters(options.name, last, 1)
    if (letter === undefined) return
    last = letter.seq
    const found = reader.row(letter.table, letter.row, letter.block)
    if (found === undefined) {
      cursors.dropLetter(letter.seq)
      yield { letter, outcome: 'gone' }
      continue
    }
    const [filled] = await filledRows([{ out: found }], options.fill, Infinity)
    const reason = await refusalOf(options.sink, filled?.out ?? found, options.signal)
    if (reason === undefined) cursors.dropLetter(letter.seq)
    else cursors.triedLetter(letter.seq, reason)
    yield reason === undefined ? { letter, outcome: 'delivered' } : { letter, outcome: 'refused', reason }
  }
}

async function refusalOf(
  sink: Sink,
  row: Parameters<Sink['send']>[0][number],
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const [refused] = await withDeadline(signal, SEND_MS, (ended) => sink.send([row], ended))
    return refused?.reason
  } catch (thrown) {
    if (thrown instanceof BatchRefused) return thrown.message
    throw thrown
  }
}

const everyTable: readonly ExportTable[] = ['exchanges', 'connections', 'events', 'checkpoints']
const SEND_MS = 60_000
