import { Worker } from 'node:worker_threads'
import type { Batch, Report, WriterData } from './writer.ts'

/** The writer's thread as the main side holds it: batches go in, reports come out, and a thread that dies is replaced. */
export class WriterThread {
  readonly #data: () => WriterData
  readonly #heapMb: number
  readonly #report: (report: Report, freedBytes: number) => void
  readonly #inFlight: Batch[] = []
  #worker: Worker | undefined
  #closing = false
  #ended: (() => void) | undefined

  /** `data` is asked each time a thread starts. `heapMb` bounds the memory of the thread's JavaScript: room for a few batches. */
  constructor(data: () => WriterData, heapMb: number, report: (report: Report, freedBytes: number) => void) {
    this.#data = data
    this.#heapMb = heapMb
    this.#report = report
    this.#start()
  }

  get inFlight(): number {
    return this.#inFlight.length
  }

  /** A batch stays here until it is committed, so that a new thread can be given it again. */
  post(batch: Batch): void {
    this.#inFlight.push(batch)
    this.#worker?.postMessage(batch)
  }

  /** Ends the thread after a last try to commit what it has. */
  async close(): Promise<void> {
    this.#closing = true
    const worker = this.#worker
    if (worker === undefined) return
    await new Promise<void>((resolve) => {
      this.#ended = resolve
      worker.postMessage('close')
    })
  }

  #start(): void {
    try {
      this.#run(this.#data())
    } catch (cause) {
      this.#report({ kind: 'failing', reason: cause instanceof Error ? cause.message : 'unknown' }, 0)
      this.#startLater()
    }
  }

  #run(data: WriterData): void {
    const worker = new Worker(
      new URL(import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js', import.meta.url),
      {
        name: 'ledger',
        workerData: data,
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: this.#heapMb, maxYoungGenerationSizeMb: 4, codeRangeSizeMb: 8 },
      },
    )
    this.#worker = worker
    worker.on('message', (report: Report) => this.#received(report))
    worker.on('error', (cause: Error) =>
      this.#report({ kind: 'failing', reason: `the writer stopped: ${cause.message}` }, 0),
    )
    worker.on('exit', () => this.#exited())
    for (const batch of this.#inFlight) worker.postMessage(batch)
  }

  #received(report: Report): void {
    // With batches in flight it is their commit that shows whether the trouble is over.
    if (report.kind === 'ready' && this.#inFlight.length > 0) return
    let freed = 0
    if (report.kind === 'done') {
      let count = 0
      for (const batch of this.#inFlight) {
        if (batch.last > report.last) break
        freed += batch.bytes
        count += 1
      }
      this.#inFlight.splice(0, count)
    }
    this.#report(report, freed)
  }

  #exited(): void {
    this.#worker = undefined
    this.#ended?.()
    if (!this.#closing) this.#startLater()
  }

  #startLater(): void {
    setTimeout(() => {
      if (!this.#closing) this.#start()
    }, RESTART_MS)
  }
}

const RESTART_MS = 250
