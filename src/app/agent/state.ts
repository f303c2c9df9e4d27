import { mkdir, readFile, readlink, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../../lib/atomic-file.ts'
import { takeLease } from '../../store/lease.ts'

/** What an agent tells of itself, in a file that only root writes. */
const stateSchema = z.strictObject({
  pid: z.int().positive(),
  /** When the process began, in ticks since the machine did: with the number, it names the process. */
  began: z.string(),
  since: z.string(),
  phase: z.enum(['starting', 'redirecting', 'open', 'stopping']),
  capture: z.union([
    z.strictObject({ users: z.array(z.string()) }),
    z.strictObject({ machine: z.literal(true), except: z.array(z.string()) }),
  ]),
  listeners: z.array(z.string()),
  group: z.int().nonnegative(),
  serve: z.strictObject({ pid: z.int().positive().nullable(), user: z.string(), restarts: z.int().nonnegative() }),
  /** Why nothing is redirected, or what the doors are not ready for. */
  reasons: z.array(z.string()),
})
export type AgentState = z.output<typeof stateSchema>

/**
 * Where the agent of this network namespace tells of itself. Not in the data folder: that belongs to the user the doors run as,
 * and root must neither write where another may put a link, nor end the process that a file of another names.
 */
export async function statePath(folder: string): Promise<string> {
  const namespace = /\d+/.exec(await readlink('/proc/self/ns/net'))?.[0] ?? '0'
  return join(folder, `agent-${namespace}.json`)
}

/** The state of the agent that runs, if one does. */
export async function readState(path: string): Promise<AgentState | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const state = parseState(text)
  return state !== undefined && (await beganAt(state.pid)) === state.began ? state : undefined
}

export function parseState(text: string): AgentState | undefined {
  try {
    return stateSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** The state of this agent, as others read it. */
export type OwnState = {
  readonly now: () => AgentState
  readonly tell: (change: Partial<AgentState>) => void
  /** Removes it: there is no agent any more. */
  readonly close: () => Promise<void>
}

/** Takes the place of the agent; undefined when another has it. What a dead one left is replaced. */
export async function claimState(path: string, first: AgentState): Promise<OwnState | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  // Of several that find a dead one's file at once each could take the file of another for it.
  const lease = takeLease(`${path}.lock`)
  if (lease === undefined) return undefined
  if ((await readState(path)) !== undefined) {
    lease.release()
    return undefined
  }
  await writeFileAtomic(path, text(first))
  let state = first
  let writing: Promise<void> = Promise.resolve()
  // That it cannot be told ends no redirection: it is in force all the same.
  const write = (): Promise<void> => writeFileAtomic(path, text(state)).catch(() => undefined)
  return {
    now: () => state,
    tell(change) {
      state = { ...state, ...change }
      writing = writing.then(write)
    },
    async close() {
      await writing
      await rm(path, { force: true })
      lease.release()
    },
  }
}

/** When a process began, in ticks since boot; undefined when there is none. One that is dead and waits for its parent is none. */
export async function beganAt(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // The name in brackets may hold anything: the fields are counted from its end (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

const text = (state: AgentState): string => `${JSON.stringify(state)}\n`
