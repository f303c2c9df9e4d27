import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { SallyportError } from '../../core/errors.ts'
import { TABLE, redirects } from './rules.ts'
import { readState } from './state.ts'
import type { AgentState } from './state.ts'

export type AgentStatus = {
  readonly running: boolean
  /** Whether new connections are redirected, by the kernel's word where it may be asked (as root), else by the agent's. */
  readonly redirecting: boolean
  readonly state: AgentState | undefined
}

/** The agent of this network namespace. */
export async function agentStatus(path: string, nft = 'nft'): Promise<AgentStatus> {
  const state = await readState(path)
  const listed = await list(nft)
  const redirecting = listed === undefined ? state?.phase === 'redirecting' : redirects(listed)
  return { running: state !== undefined, redirecting, state }
}

/** Tells the agent to stop and waits until it is gone; false when there is none. Rejects with redirect_failed when it may not be told, or stays. */
export async function stopAgent(path: string, { waitMs, now }: { waitMs: number; now: boolean }): Promise<boolean> {
  const state = await readState(path)
  if (state === undefined) return false
  tell(state.pid)
  const end = performance.now() + waitMs
  while ((await readState(path)) !== undefined) {
    if (performance.now() > end) {
      throw new SallyportError('redirect_failed', `the agent (${state.pid}) does not end`, {
        hint: `kill -9 ${state.pid} ends it, and the redirection with it.`,
      })
    }
    await sleep(AGAIN_MS)
    // The second time means: at once. Of signals that it has not seen yet there is only one, so that two may not do.
    if (now && (await readState(path)) !== undefined) tell(state.pid)
  }
  return true
}

function tell(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return
    throw new SallyportError('redirect_failed', `the agent (${pid}) may not be ended`, {
      cause,
      hint: 'This takes root: run it with sudo.',
    })
  }
}

/** The table as nft lists it: empty when there is none; undefined when nft cannot be asked. */
function list(nft: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(nft, ['list', 'table', 'inet', TABLE], { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else resolve(/No such file or directory/.test(stderr) ? '' : undefined)
    })
  })
}

const AGAIN_MS = 100
