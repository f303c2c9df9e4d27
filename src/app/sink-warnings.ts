type Labels = Readonly<Record<string, string>>

/** What is to be said of sinks in /readyz: those that cannot be delivered to, and those far behind. They do not make it fail. */
export type SinkWarnings = {
  /** Looks at a figure of the keeper. */
  readonly figure: (name: string, value: number, labels: Labels) => void
  /** Forgets all sinks: others are configured now. */
  readonly reset: () => void
  readonly warnings: () => string[]
}

export function sinkWarnings(): SinkWarnings {
  const up = new Map<string, number>()
  const lag = new Map<string, number>()
  const watched: Readonly<Record<string, Map<string, number>>> = { export_up: up, export_lag_seconds: lag }
  return {
    figure: (name, value, { sink }) => void (sink !== undefined && watched[name]?.set(sink, value)),
    reset() {
      up.clear()
      lag.clear()
    },
    warnings: () =>
      [...new Set([...up.keys(), ...lag.keys()])].flatMap((sink) => said(sink, up.get(sink), lag.get(sink))),
  }
}

function said(sink: string, up = 1, lag = 0): string[] {
  const behind = `${Math.round(lag)} s behind`
  if (up === 0)
    return [`export: ${sink} cannot be delivered to, ${behind}: \`sallyport audit export --status\` says why`]
  return lag > LATE_SECONDS ? [`export: ${sink} is ${behind}`] : []
}

const LATE_SECONDS = 300
