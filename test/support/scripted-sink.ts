import { type ExportRow, type Refused, type Sink, SinkError } from '../../src/audit/sinks/sink.ts'

export type ScriptedSink = Sink & {
  /** What arrived, in order. */
  readonly got: ExportRow[]
  /** How many rows each call had. */
  readonly calls: number[]
  closed: boolean
  /** What the next calls do before anything arrives; once it is used up all is taken. */
  readonly script: ((rows: readonly ExportRow[], signal: AbortSignal) => void | Promise<void | readonly Refused[]>)[]
}

/** A receiver in this process. A step of its script may throw, wait, or say which rows it refuses; the others arrive. */
export function scriptedSink(...script: ScriptedSink['script']): ScriptedSink {
  const sink: ScriptedSink = {
    got: [],
    calls: [],
    closed: false,
    script,
    async send(rows, signal) {
      sink.calls.push(rows.length)
      const refused = (await sink.script.shift()?.(rows, signal)) ?? []
      const gone = new Set(refused.map(({ index }) => index))
      sink.got.push(...rows.filter((_, index) => !gone.has(index)))
      return refused
    },
    async close() {
      sink.closed = true
    },
  }
  return sink
}

export const away = (): never => {
  throw new SinkError('the receiver is away', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })
}
