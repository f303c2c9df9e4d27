import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../../config/load.ts'
import type { ConfigSource } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { formatAddress } from '../../config/values.ts'
import { SallyportError, asSallyportError } from '../../core/errors.ts'
import { backoffMs } from '../../lib/backoff.ts'
import type { Log } from '../../lib/log.ts'
import { PROGRAMS_VARIABLE } from '../../proxy/process/finder.ts'
import { programService } from '../../proxy/process/service.ts'
import type { Account } from './accounts.ts'
import { listenersVariable } from './listeners.ts'
import type { Listeners } from './listeners.ts'
import { RELEASE, captureCommand } from './rules.ts'
import { startServe } from './serve-process.ts'
import type { ServeProcess } from './serve-process.ts'
import { beganAt, claimState } from './state.ts'
import type { AgentState, OwnState } from './state.ts'
import { holdTable } from './table.ts'
import type { Table } from './table.ts'

/** What an agent is to do. */
export type AgentPlan = {
  readonly config: Config
  /** How the configuration is read again. */
  readonly source: ConfigSource
  readonly who:
    | { readonly kind: 'users'; readonly accounts: readonly Account[] }
    | { readonly kind: 'machine'; readonly except: readonly Account[] }
  readonly listeners: Listeners
  readonly group: number
  /** Whom the doors run as. */
  readonly as: Account
  /** How the doors are started: arguments for Node. */
  readonly command: readonly string[]
  /** Where the agent tells of itself. */
  readonly statePath: string
  readonly log: Log
  readonly stdio: 'inherit' | 'ignore'
  /** The program that sets the rules; default `nft`. */
  readonly nft?: string
  /** Called when traffic is redirected for the first time. */
  readonly onUp: () => void
}

/** What the agent is told meanwhile. */
export type AgentSignals = {
  /** Aborted by the first that says stop. */
  readonly stop: AbortSignal
  /** Aborted by the second: nothing is waited for any more. */
  readonly now: AbortSignal
  /** Calls back on each wish to read the configuration anew. */
  readonly onReload: (act: () => void) => void
}

/**
 * Keeps the doors running, and traffic redirected to them as long as they are open, until it is told to stop. Whatever ends, doors,
 * table or agent, the traffic goes its own way from that moment. Rejects when it could not begin.
 */
export async function runAgent(plan: AgentPlan, signals: AgentSignals): Promise<void> {
  const state = await claimed(plan)
  const life: Life = { plan, signals, state, stopped: aborted(signals.stop), config: plan.config, isUp: false }
  signals.onReload(() => reload(life))
  try {
    for (let failures = 0; !signals.stop.aborted; failures++) {
      const began = performance.now()
      const why = await oneRun(life)
      if (signals.stop.aborted) break
      if (performance.now() - began > LONG_MS) failures = 0
      plan.log.error({ why }, 'the doors ended: traffic is not redirected until they are open again')
      const { serve } = state.now()
      state.tell({ phase: 'open', serve: { ...serve, pid: null, restarts: serve.restarts + 1 }, reasons: [why] })
      await pause(backoffMs(failures + 1, WAITS, Math.random), signals.stop)
    }
  } finally {
    await state.close()
  }
}

/** What one agent goes by while it lives. */
type Life = {
  readonly plan: AgentPlan
  readonly signals: AgentSignals
  readonly state: OwnState
  readonly stopped: Promise<string>
  /** As it was read last. */
  config: Config
  /** Whether traffic has been redirected once: before that, what fails is for the caller to hear. */
  isUp: boolean
  serve?: ServeProcess
  table?: Table
}

/** From the start of the doors to their end; resolves with why they ended. */
async function oneRun(life: Life): Promise<string> {
  const { plan, signals, state, stopped } = life
  // The doors may not look into processes of others, nor, for their group, into those of their own account.
  const programs = await programService({ uid: plan.as.uid, dir: `${plan.statePath}.programs` }).catch(() => undefined)
  const serve = startServe({
    command: plan.command,
    account: plan.as,
    group: plan.group,
    env: {
      ...plan.source.env,
      ...listenersVariable(plan.config, plan.listeners),
      ...(programs === undefined ? {} : { [PROGRAMS_VARIABLE]: programs.path }),
    },
    cwd: plan.source.cwd,
    stdio: plan.stdio,
    onReasons: (reasons) => state.tell({ reasons: [...reasons] }),
  })
  life.serve = serve
  state.tell({ serve: { ...state.now().serve, pid: serve.pid ?? null } })
  try {
    const before = await Promise.race([serve.ready.then(() => undefined), serve.ended, stopped])
    if (before === undefined) return await redirected(life, serve)
    if (life.isUp || signals.stop.aborted) return before
    throw new SallyportError('redirect_failed', `the doors did not open: ${before}`, {
      hint: 'What `sallyport serve` said before has the reason.',
    })
  } finally {
    await ended(serve, life)
    programs?.close()
  }
}

/** Holds the table as long as the doors serve, and makes it anew when somebody ends the nft that holds it. */
async function redirected(life: Life, serve: ServeProcess): Promise<string> {
  const { plan, signals, state, stopped } = life
  const over = Promise.race([serve.ended, serve.stuck, stopped])
  for (let failures = 1; ; failures++) {
    const table = await held(life)
    if (table !== undefined) {
      life.table = table
      state.tell({ phase: 'redirecting', reasons: [] })
      plan.log.info({ group: plan.group, nft: table.pid }, 'traffic is redirected')
      const { capture, listeners, group } = state.now()
      serve.tell({ kind: 'act', act: { what: 'redirect.start', after: { ...capture, listeners, group } } })
      if (!life.isUp) plan.onUp()
      life.isUp = true
      const why = await Promise.race([over, table.gone.then(() => undefined)])
      delete life.table
      if (why !== undefined) return await released(life, table, serve, why)
      plan.log.error({}, 'nft ended: traffic is not redirected until it is there again')
      state.tell({ phase: 'open', reasons: ['nft ended'] })
      serve.tell({ kind: 'act', act: { what: 'redirect.stop', after: { why: 'nft ended' } } })
    }
    await pause(backoffMs(Math.min(failures, 4), WAITS, Math.random), signals.stop)
    const why = await Promise.race([over, Promise.resolve(undefined)])
    if (why !== undefined) return why
  }
}

async function held(life: Life): Promise<Table | undefined> {
  const { plan, state, isUp } = life
  try {
    return await holdTable(command(plan, life.config), plan.nft === undefined ? {} : { nft: plan.nft })
  } catch (thrown) {
    if (!isUp) throw thrown
    const { code, message } = asSallyportError(thrown)
    plan.log.error({ code, reason: message }, 'traffic cannot be redirected')
    state.tell({ phase: 'open', reasons: [message] })
    return undefined
  }
}

/** Told to stop, nothing new is redirected, and what is redirected may finish: the kernel translates addresses only as long as the table is there. */
async function released(
  { signals, state, plan }: Life,
  table: Table,
  serve: ServeProcess,
  why: string,
): Promise<string> {
  if (signals.stop.aborted) {
    state.tell({ phase: 'stopping' })
    await table.send(RELEASE).catch(() => undefined)
    plan.log.info({}, 'traffic is no longer redirected')
    serve.tell({ kind: 'act', act: { what: 'redirect.stop', after: { why: 'told to stop' } } })
    await Promise.race([serve.stop(plan.config.shutdown.graceMs), aborted(signals.now)])
  }
  await table.release()
  return why
}

/** The doors of a run are gone before there can be others. */
async function ended(serve: ServeProcess, { signals }: Life): Promise<void> {
  // Those that hang do not hear that they are to stop, and those that nobody comes to have nothing to finish.
  if (!signals.stop.aborted || signals.now.aborted) serve.signal('SIGKILL')
  else void aborted(signals.now).then(() => serve.signal('SIGKILL'))
  await serve.stop(0)
}

/** The doors read their configuration anew; what of it is ours goes into the rules. */
function reload(life: Life): void {
  const { plan, serve, table } = life
  serve?.signal('SIGHUP')
  try {
    life.config = loadConfig(plan.source)
    table
      ?.send(command(plan, life.config))
      .catch((error: unknown) => plan.log.error({ err: error }, 'the rules stay as they were'))
  } catch (thrown) {
    const { code } = asSallyportError(thrown)
    plan.log.error({ code }, 'configuration not valid: the rules stay as they were')
  }
}

function command({ who, group, listeners }: AgentPlan, { upstream }: Config): string {
  const uids = (accounts: readonly Account[]): number[] => [...new Set(accounts.map(({ uid }) => uid))]
  return captureCommand({
    who:
      who.kind === 'users'
        ? { kind: 'users', uids: uids(who.accounts) }
        : { kind: 'machine', except: uids(who.except) },
    group,
    ...listeners,
    opened: upstream.allowPrivate,
  })
}

async function claimed({ who, listeners, group, as, statePath }: AgentPlan): Promise<OwnState> {
  const names = (accounts: readonly Account[]): string[] => accounts.map(({ name }) => name)
  const first: AgentState = {
    pid: process.pid,
    began: (await beganAt(process.pid)) ?? '',
    since: new Date().toISOString(),
    phase: 'starting',
    capture: who.kind === 'users' ? { users: names(who.accounts) } : { machine: true, except: names(who.except) },
    listeners: [listeners.ipv4, listeners.ipv6].filter((one) => one !== undefined).map(formatAddress),
    group,
    serve: { pid: null, user: as.name, restarts: 0 },
    reasons: [],
  }
  const state = await claimState(statePath, first)
  if (state !== undefined) return state
  throw new SallyportError('redirect_failed', 'an agent runs already', {
    hint: '`sallyport agent status` shows it, `sallyport agent down` ends it.',
  })
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve('stopped')
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

// In the second after an end there is no redirection: shorter, and what cannot start would do nothing but start.
const WAITS = { firstMs: 1_000, mostMs: 30_000 }
// Who ran that long did not fail at the start.
const LONG_MS = 60_000
