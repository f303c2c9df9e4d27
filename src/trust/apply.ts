import { spawn } from 'node:child_process'
import type { Machine, Step, TrustStore, Root } from './store.ts'

export type Outcome = {
  readonly store: string
  /** done; skipped: nothing to do, or the tool is missing; failed: a command did. */
  readonly result: 'done' | 'skipped' | 'failed'
  readonly detail: string
}

/** Runs a step; true when it succeeded. `quiet` hides what it prints. */
export type RunStep = (argv: readonly string[], quiet: boolean) => Promise<boolean>

export type ApplyOptions = {
  readonly machine: Machine
  readonly root: Root
  /** Hears of each command before it runs, ready to be pasted into a shell. */
  readonly onCommand: (line: string) => void
  /** Nothing is run: null. */
  readonly run: RunStep | null
}

/** The stores that this machine has, in order; the rest with the reason where one is missing only its tool. */
export function storesOf(stores: readonly TrustStore[], machine: Machine): { here: TrustStore[]; lacking: Outcome[] } {
  const here: TrustStore[] = []
  const lacking: Outcome[] = []
  for (const store of stores) {
    const available = store.available(machine)
    if (available === true) here.push(store)
    else if (available !== false) lacking.push({ store: store.name, result: 'skipped', detail: available })
  }
  return { here, lacking }
}

/** Installs or removes the root in every place of one store where that changes something. */
export async function apply(
  action: 'install' | 'uninstall',
  store: TrustStore,
  options: ApplyOptions,
): Promise<Outcome> {
  const { machine, root, run } = options
  let changed = 0
  for (const place of store.places(machine, root)) {
    if (run !== null && (await run(place.check, true)) === (action === 'install')) continue
    const failed = await runAll(place[action], options)
    if (failed !== undefined) return { store: store.name, result: 'failed', detail: `failed: ${failed}` }
    changed += 1
  }
  if (changed > 0) return { store: store.name, result: 'done', detail: store.readers }
  return { store: store.name, result: 'skipped', detail: action === 'install' ? 'already there' : 'not there' }
}

/** In how many of the store's places the root is, of how many. */
export async function installedIn(
  store: TrustStore,
  { machine, root, run }: ApplyOptions,
): Promise<[there: number, of: number]> {
  const places = run === null ? [] : store.places(machine, root)
  let there = 0
  for (const { check } of places) if (await run?.(check, true)) there += 1
  return [there, places.length]
}

/** The first command that failed, as a line. */
async function runAll(steps: readonly Step[], { machine, onCommand, run }: ApplyOptions): Promise<string | undefined> {
  for (const step of steps) {
    const argv = withRights(step, machine)
    onCommand(shellLine(argv))
    if (run !== null && !(await run(argv, false))) return shellLine(argv)
  }
  return undefined
}

/** Runs commands with the terminal's own input, so that sudo can ask; what they print goes to standard error. */
export function terminalRunner(env: Machine['env']): RunStep {
  return (argv, quiet) => {
    const [program = '', ...args] = argv
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const output = quiet ? 'ignore' : process.stderr
    const child = spawn(program, args, { env: { ...env }, stdio: ['inherit', output, output] })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
    return promise
  }
}

/** A command as a shell takes it. */
export function shellLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}

function withRights({ argv, asRoot }: Step, machine: Machine): readonly string[] {
  return asRoot && !machine.superuser ? ['sudo', '--', ...argv] : argv
}
