import type { AgentStatus } from '../app/agent/status.ts'

/** What `agent status` prints for a person. */
export function statusLines({ redirecting, state }: AgentStatus): string[] {
  if (state === undefined)
    return [redirecting ? 'no agent of this machine runs, but traffic is redirected' : 'no agent runs']
  const { capture, serve, listeners, reasons } = state
  const whose = 'users' in capture ? capture.users.join(', ') : `everybody${except(capture.except)}`
  return [
    `${redirecting ? 'traffic is redirected' : `traffic is not redirected (${state.phase})`}: ${whose}`,
    `to: ${listeners.join(', ')}`,
    `agent: process ${state.pid}, since ${state.since}`,
    `doors: ${serve.pid === null ? 'not running' : `process ${serve.pid}`} as ${serve.user}, restarted ${serve.restarts} times`,
    ...reasons.map((reason) => `not well: ${reason}`),
  ]
}

const except = (names: readonly string[]): string => (names.length === 0 ? '' : ` except ${names.join(', ')}`)
