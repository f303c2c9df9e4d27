import type { AgentSignals } from './agent.ts'

/**
 * The signals of the agent: SIGTERM and SIGINT stop it, a second one at once; SIGHUP reads the configuration anew, but stops it on a
 * terminal: that is gone then. `close` gives the signals back.
 */
export function stopSignals(
  isTerminal: boolean,
  from: Pick<NodeJS.Process, 'on' | 'off'> = process,
): AgentSignals & { readonly close: () => void } {
  const [stop, now] = [new AbortController(), new AbortController()]
  const reloads: (() => void)[] = []
  const end = (): void => {
    if (stop.signal.aborted) now.abort()
    stop.abort()
  }
  const hangUp = (): void => {
    if (isTerminal) return end()
    for (const act of reloads) act()
  }
  from.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', hangUp)
  return {
    stop: stop.signal,
    now: now.signal,
    onReload: (act) => void reloads.push(act),
    close: () => void from.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', hangUp),
  }
}
