import { SallyportError } from '../core/errors.ts'
import type { Value } from './rows.ts'
import type { WriteKind } from './statements.ts'
import { WriterThread } from './thread.ts'
import type { Batch, FileWrite, Report, WriterData } from './writer.ts'

export type QueueStats = {
  /** Writes not yet committed, and about how many bytes they are. */
  readonly queued: number
  readonly queuedBytes: number
  readonly commits: number
  /** Writes committed. */
  readonly rows: number
  /** Writes that were turned away in an outage, that were not taken, or that the database would not take. */
  readonly refused: number
  /** Of these, those turned away: who waited for them was told. */
  readonly turnedAway: number
  readonly lastCommitMs: number
}

export type QueueNotice =
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'recovered' }
  | { readonly kind: 'refused'; readonly reason: string }

export type QueueOptions = {
  /** What the writer's thread works with; asked each time one starts. */
  readonly writer: () => WriterData
  readonly heapMb: number
  /** In bytes of queued rows. */
  readonly bound: number
  /** With nothing committed for so long, there is an outage. */
  readonly patienceMs: number
  readonly notice: (notice: QueueNotice) => void
}

/**
 * Gathers writes into batches for the thread. Urgent ones leave in the tick they were made in, the others with the next urgent one or a
 * few milliseconds later; while the thread is busy with two batches, all gather into the next.
 */
export class WriteQueue {
  readonly #options: QueueOptions
  readonly #thread: WriterThread
  readonly #clock: NodeJS.Timeout
  readonly #post = (): void => this.#postNow()
  /** Batches that are full and wait for the thread. */
  readonly #sealed: Batch[] = []
  #values: (Value | WriteKind)[] = []
  #files: FileWrite[] = []
  #count = 0
  #valuesBytes = 0
  #last = 0
  #committed = 0
  #bytes = 0
  #urgent = false
  #posting = false
  #soon: NodeJS.Timeout | undefined
  /** Who waits for which write, in order. */
  #waiters: Waiter[] = []
  #idleTicks = 0
  #problem: string | undefined
  #outage = false
  #relief: PromiseWithResolvers<void> | undefined
  #commits = 0
  #refused = 0
  #turnedAway = 0
  #lastCommitMs = 0

  constructor(options: QueueOptions) {
    this.#options = options
    this.#thread = new WriterThread(options.writer, options.heapMb, (report, freed) => this.#received(report, freed))
    this.#clock = setInterval(() => this.#tick(), options.patienceMs / TICKS)
    this.#clock.unref()
  }

  /** Where to push the values of one write, and after them its files; `end` follows at once. */
  begin(kind: WriteKind): (Value | WriteKind)[] {
    this.#values.push(kind)
    return this.#values
  }

  /** A file that the writer writes before the row. Its bytes count in `end`. */
  file(file: FileWrite): void {
    this.#files.push(file)
  }

  end(bytes: number, urgent: boolean): void {
    this.#last += 1
    this.#count += 1
    this.#bytes += bytes
    this.#valuesBytes += bytes
    if (urgent) this.#urgent = true
    if (this.#valuesBytes > BATCH_BYTES) this.#seal()
    this.#schedule()
  }

  /** Resolves when the write just ended is committed. */
  untilCommitted(): Promise<void> {
    return this.#until(true)
  }

  #until(itself: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ write: this.#last, itself, resolve, reject })
    })
  }

  /** The error for those who come while nothing can be committed; counted as refused. */
  outage(): SallyportError | undefined {
    if (!this.#outage) return undefined
    this.#turnedAway += 1
    return this.#unavailable()
  }

  /** Above the bound: resolves when there is room. In an outage nobody is made to wait, for then policy decides. */
  pressure(): Promise<void> | undefined {
    if (this.#bytes <= this.#options.bound || this.#outage) return undefined
    this.#relief ??= Promise.withResolvers<void>()
    return this.#relief.promise
  }

  /** Far above the bound: what must be taken is taken without its bodies. */
  overflows(): boolean {
    return this.#bytes > 2 * this.#options.bound
  }

  /** Far above the bound: what nobody can be made to wait for is refused, counted and told. */
  refusesMore(): boolean {
    if (!this.overflows()) return false
    this.#refuse('the queue of the ledger is full')
    return true
  }

  /** Why nothing can be committed, as far as known. */
  problem(): string | undefined {
    return this.#problem
  }

  flush(): Promise<void> {
    if (this.#committed === this.#last) return Promise.resolve()
    if (this.#outage) return Promise.reject(this.#unavailable())
    this.#urgent = true
    this.#schedule()
    return this.#until(false)
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      clearInterval(this.#clock)
      clearTimeout(this.#soon)
      await this.#thread.close()
    }
  }

  stats(): QueueStats {
    return {
      queued: this.#last - this.#committed,
      queuedBytes: this.#bytes,
      commits: this.#commits,
      rows: this.#committed,
      refused: this.#refused + this.#turnedAway,
      turnedAway: this.#turnedAway,
      lastCommitMs: this.#lastCommitMs,
    }
  }

  #schedule(): void {
    if (this.#posting || this.#thread.inFlight >= IN_FLIGHT) return
    if (this.#urgent || this.#sealed.length > 0) {
      this.#posting = true
      setImmediate(this.#post)
    } else {
      this.#soon ??= setTimeout(this.#post, SOON_MS)
    }
  }

  #postNow(): void {
    this.#posting = false
    clearTimeout(this.#soon)
    this.#soon = undefined
    if (this.#thread.inFlight === 0) this.#idleTicks = 0
    while (this.#thread.inFlight < IN_FLIGHT) {
      if (this.#sealed.length === 0 && this.#count > 0) this.#seal()
      const batch = this.#sealed.shift()
      if (batch === undefined) return
      this.#thread.post(batch)
    }
  }

  #seal(): void {
    const [values, files] = [this.#values, this.#files]
    this.#sealed.push({ last: this.#last, count: this.#count, bytes: this.#valuesBytes, values, files })
    this.#values = []
    this.#files = []
    this.#count = 0
    this.#valuesBytes = 0
    this.#urgent = false
  }

  #received(report: Report, freed: number): void {
    if (report.kind === 'failing') {
      if (this.#problem === undefined) this.#options.notice({ kind: 'unavailable', reason: report.reason })
      this.#problem = report.reason
      return
    }
    if (report.kind === 'ready') return this.#recovered()
    this.#bytes -= freed
    this.#committed = report.last
    this.#commits += 1
    this.#lastCommitMs = report.commitMs
    this.#idleTicks = 0
    this.#recovered()
    this.#settle(report)
    if (this.#bytes <= this.#options.bound) this.#relieve()
    if (this.#count > 0 || this.#sealed.length > 0) this.#schedule()
  }

  #recovered(): void {
    this.#outage = false
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#options.notice({ kind: 'recovered' })
  }

  #settle(report: Report & { kind: 'done' }): void {
    const refused = new Map(report.refused.map(({ write, reason }) => [write, reason]))
    for (const reason of refused.values()) this.#refuse(reason)
    let settled = 0
    for (const waiter of this.#waiters) {
      if (waiter.write > report.last) break
      const reason = waiter.itself ? refused.get(waiter.write) : undefined
      if (reason === undefined) waiter.resolve()
      else waiter.reject(new SallyportError('ledger_unavailable', `the ledger does not take the row: ${reason}`))
      settled += 1
    }
    this.#waiters.splice(0, settled)
  }

  #tick(): void {
    if (this.#thread.inFlight === 0) return
    this.#idleTicks += 1
    if (this.#idleTicks <= TICKS || this.#outage) return
    this.#outage = true
    if (this.#problem === undefined) {
      this.#problem = 'no commit in time'
      this.#options.notice({ kind: 'unavailable', reason: this.#problem })
    }
    for (const waiter of this.#waiters) {
      this.#turnedAway += 1
      waiter.reject(this.#unavailable())
    }
    this.#waiters = []
    this.#relieve()
  }

  #relieve(): void {
    this.#relief?.resolve()
    this.#relief = undefined
  }

  #refuse(reason: string): void {
    this.#refused += 1
    this.#options.notice({ kind: 'refused', reason })
  }

  #unavailable(): SallyportError {
    return new SallyportError(
      'ledger_unavailable',
      `the ledger cannot be written: ${this.#problem ?? 'no commit in time'}`,
    )
  }
}

/** `itself`: waits for the write, not for all up to it. */
type Waiter = {
  readonly write: number
  readonly itself: boolean
  readonly resolve: () => void
  readonly reject: (cause: SallyportError) => void
}

const IN_FLIGHT = 2
const TICKS = 4
const SOON_MS = 10
/** A batch is cloned in one go on the event loop: 2 MiB of short rows take it 2 ms and more. */
const BATCH_BYTES = 2 ** 18
