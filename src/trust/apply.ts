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

/** Installs or removes the root in one store. A root that is there is not installed again; one that is not there not removed. */
export async function apply(
  action: 'install' | 'uninstall',
  store: TrustStore,
  options: ApplyOptions,
): Promise<Outcome> {
  const { machine, root, onCommand, run } = options
  if (run !== null && (await isInstalled(store, machine, root, run)) === (action === 'install')) {
    return { store: store.name, result: 'skipped', detail: action === 'install' ? 'already there' : 'not there' }
  }
  for (const step of store[action](machine, root)) {
    const argv = withRights(step, machine)
    onCommand(shellLine(argv))
    if (run !== null && !(await run(argv, false))) {
      return { store: store.name, result: 'failed', detail: `${shellLine(argv)} failed` }
    }
  }
  return { store: store.name, result: 'done', detail: action === 'install' ? store.readers : 'removed' }
}

export async function isInstalled(store: TrustStore, machine: Machine, root: Root, run: RunStep): Promise<boolean> {
  const checks = store.check(machine, root)
  for (const { argv } of checks) if (!(await run(argv, true))) return false
  return checks.length > 0
}

/** Runs a command with the terminal's own input, so that sudo can ask; its output goes where `stderr` goes. */
export const runInTerminal: RunStep = (argv, quiet) => {
  const [program = '', ...args] = argv
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const output = quiet ? 'ignore' : process.stderr
  const child = spawn(program, args, { stdio: ['inherit', output, output] })
  child.once('error', () => resolve(false))
  child.once('exit', (code) => resolve(code === 0))
  return promise
}

/** A command as a shell takes it. */
export function shellLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}

function withRights({ argv, asRoot }: Step, machine: Machine): readonly string[] {
  return asRoot && !machine.superuser ? ['sudo', '--', ...argv] : argv
}
