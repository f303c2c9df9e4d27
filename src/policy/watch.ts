import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { asSallyportError } from '../core/errors.ts'
import type { SallyportError } from '../core/errors.ts'
import { ruleBook } from '../detect/index.ts'
import type { Pack, RuleBook } from '../detect/index.ts'
import { inTurns } from '../lib/steps.ts'
import { prepareDetectors } from './match.ts'
import type { PolicySet } from './match.ts'
import { checkPolicies, loadPolicies, policyInvalid, readPacks, TURN_MS } from './load.ts'
import type { LoadOptions } from './load.ts'

export type PolicyWatch = {
  /** The set in force: the newest that was whole. */
  readonly current: () => PolicySet
  /** Why the files as they are now are not in force, or undefined when they are. */
  readonly problem: () => SallyportError | undefined
  /** When the set in force was loaded, in milliseconds since 1970. */
  readonly loadedAt: () => number
  /** Reads the files now, whether they changed or not. Never rejects: what is wrong goes to `problem` and `onProblem`. */
  readonly reload: () => Promise<void>
  readonly close: () => void
}

export type WatchOptions = LoadOptions & { readonly dir: string; readonly now?: () => number }

/**
 * Loads the policies and keeps them as the files say: a change takes effect within two seconds, also where the file system
 * tells nothing; a broken file never does. Rejects when the first load fails. `onSet` hears of each set after the first,
 * `onProblem` of each new problem.
 */
export async function watchPolicies(
  options: WatchOptions,
  onSet: (set: PolicySet) => void,
  onProblem: (error: SallyportError) => void,
): Promise<PolicyWatch> {
  const now = options.now ?? Date.now
  const book = bookReader(options.packFolders)
  let seen = await fingerprint(options, [])
  let set = await loadPolicies({ ...options, book: await book() })
  await inTurns(prepareDetectors(set), TURN_MS)
  let dependsOn = set.dependsOn
  let loadedAt = now()
  let problem: SallyportError | undefined

  const load = async (): Promise<void> => {
    seen = await fingerprint(options, dependsOn)
    try {
      const next = await checkPolicies({ ...options, book: await book() })
      // Files that are now named for the first time were not in the fingerprint: the next look sees that, and loads once more.
      dependsOn = next.dependsOn
      if ('problems' in next) throw policyInvalid(next.problems)
      problem = undefined
      loadedAt = now()
      if (next.digest === set.digest) return
      await inTurns(prepareDetectors(next), TURN_MS)
      set = next
      onSet(set)
    } catch (thrown) {
      const error = asSallyportError(thrown)
      const isNew = error.message !== problem?.message
      problem = error
      if (isNew) onProblem(error)
    }
  }
  const inTurn = serial()
  const reload = (): Promise<void> => inTurn(load)
  let looking: Promise<void> | undefined
  // However slow the disk is, one look waits at most.
  const look = (): Promise<void> => {
    looking ??= inTurn(async () => {
      looking = undefined
      if ((await fingerprint(options, dependsOn)) !== seen) await load()
    })
    return looking
  }
  const stop = watchFolders([options.dir, ...options.packFolders], look)
  return { current: () => set, problem: () => problem, loadedAt: () => loadedAt, reload, close: stop }
}

/** Calls `look` soon after something happened in a folder, and once a second in case nobody tells. */
function watchFolders(folders: readonly string[], look: () => Promise<void>): () => void {
  let soon: NodeJS.Timeout | undefined
  const told = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined
      void look()
    }, DEBOUNCE_MS).unref()
  }
  const watchers = [...new Set(folders)].flatMap((folder) => watcherOf(folder, told))
  const poll = setInterval(() => void look(), POLL_MS).unref()
  return () => {
    clearInterval(poll)
    clearTimeout(soon)
    for (const watcher of watchers) watcher.close()
  }
}

/** None where the folder does not exist or the system has no watches left: there the poll must do. */
function watcherOf(folder: string, told: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, told)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}

/** What changes when a file does: names, times, sizes. A folder or file that cannot be read is a fact too. */
async function fingerprint(options: WatchOptions, others: readonly string[]): Promise<string> {
  return factsOfAll([options.dir, ...options.packFolders], others)
}

async function factsOfAll(folders: readonly string[], others: readonly string[]): Promise<string> {
  const listed = await Promise.all([...new Set(folders)].map(filesIn))
  const lines = await Promise.all([...listed.flat(), ...others].map(factsOf))
  return lines.join('\n')
}

/**
 * The rule packs, read again only when one of their files has changed: they are large, and so is what is compiled of them. A book keeps
 * all that was ever chosen of it, so that even without a change there is a new one at times.
 */
function bookReader(folders: readonly string[]): () => Promise<RuleBook> {
  let known: { readonly seen: string; readonly book: RuleBook; uses: number } | undefined
  const read = new Map<string, Pack>()
  return async () => {
    const seen = await factsOfAll(folders, [])
    if (known?.seen !== seen) known = { seen, book: ruleBook(readPacks(folders, false, read), 'later'), uses: 0 }
    else if (known.uses > MOST_USES) known = { seen, book: ruleBook(known.book.packs, 'later'), uses: 0 }
    known.uses++
    return known.book
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(folder, name))
}

async function factsOf(file: string): Promise<string> {
  const facts = await stat(file).catch(() => undefined)
  return facts === undefined ? `${file} -` : `${file} ${facts.mtimeMs} ${facts.ctimeMs} ${facts.size} ${facts.ino}`
}

/** Runs jobs one after another. */
function serial(): (job: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return (job) => {
    last = last.then(job, job)
    return last
  }
}

const MOST_USES = 100
const DEBOUNCE_MS = 50
const POLL_MS = 1_000
