import { createHash } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { SallyportError } from '../core/errors.ts'
import { checkPack, loadPacks, packsFolder, parsePack, ruleBook } from '../detect/index.ts'
import type { Pack, RuleBook } from '../detect/index.ts'
import { hooks } from '../inspect/hooks/index.ts'
import type { Limiter } from '../inspect/limiter.ts'
import { inTurns } from '../lib/steps.ts'
import { formatProblem } from '../lib/yaml-strict.ts'
import type { Problem } from '../lib/yaml-strict.ts'
import { compilePolicies } from './compile.ts'
import type { CompileSources } from './compile.ts'
import type { BrokenPolicies, PolicySet } from './match.ts'
import { policyFilesIn, readPolicyFile } from './files.ts'
import type { ReadPolicy } from './files.ts'

export type LoadOptions = {
  /** The folder whose policy files are read in name order. */
  readonly dir: string
  /** These files instead, in this order; rule packs are still those of the folder. */
  readonly files?: readonly string[]
  /** Folders of rule packs, a later one replacing packs of the same id. */
  readonly packFolders: readonly string[]
  /** The packs of these folders, where they have been read already. What was compiled of them is not compiled again. */
  readonly book?: RuleBook
  /** Host patterns of the providers that the program knows. */
  readonly catalogue: readonly string[]
  /** Puts the program's own packs to their examples too; those of other folders always are. */
  readonly checkExamples?: boolean
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** What counts for rate limits, and is kept over reloads; in memory when it is not given. */
  readonly limiter?: Limiter | undefined
}

/**
 * Reads all policy files as one set. Rejects with `policy_invalid`, whose message has every problem, one a line, as
 * `file:line:column: message (hint)`.
 */
export async function loadPolicies(options: LoadOptions): Promise<PolicySet> {
  const loaded = await checkPolicies(options)
  if ('problems' in loaded) throw policyInvalid(loaded.problems)
  return loaded
}

/** The same, with problems as values. Rejects only where there is nothing to read. */
export async function checkPolicies(options: LoadOptions): Promise<PolicySet | BrokenPolicies> {
  const paths = options.files ?? (await filesOf(options.dir))
  const read: ReadPolicy[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    const file = await readPolicyFile(path)
    if ('problems' in file) problems.push(...file.problems)
    else read.push(file)
  }
  const book = options.book ?? ruleBook(readPacks(options.packFolders, options.checkExamples))
  const compiled = await compiledInTurns(read, {
    hooks,
    book,
    catalogue: options.catalogue,
    now: options.now ?? Date.now,
    limiter: options.limiter,
  })
  if ('problems' in compiled) problems.push(...compiled.problems)
  if (problems.length === 0 && !('problems' in compiled)) return compiled
  return { problems: inOrder(problems, paths), dependsOn: compiled.dependsOn }
}

/** No turn of the event loop takes long: others are being served. A pattern that cannot be used is told with its place. */
async function compiledInTurns(
  files: readonly ReadPolicy[],
  sources: CompileSources,
): Promise<PolicySet | BrokenPolicies> {
  const compiled = compilePolicies(files, sources)
  try {
    await inTurns(sources.book.compile(), TURN_MS)
    return compiled
  } catch (thrown) {
    if (!(thrown instanceof SallyportError)) throw thrown
    return compilePolicies(files, { ...sources, book: ruleBook(sources.book.packs) })
  }
}

/** Where rule packs are for a policy folder: the program's own, then those beside the policies. */
export function packFoldersFor(dir: string): string[] {
  const own = packsFolder()
  const theirs = join(dir, 'packs')
  return resolve(theirs) === own ? [own] : [own, theirs]
}

/**
 * All rule packs of the folders. Throws `policy_invalid` for one that is broken, or does not do what its examples say. `known`: packs
 * that were read before, by file and text; it is given those that are read now.
 */
export function readPacks(
  folders: readonly string[],
  checkExamples = false,
  known = new Map<string, Pack>(),
): readonly Pack[] {
  const before = new Map(known)
  known.clear()
  try {
    return loadPacks(folders, (text, file) => {
      const name = `${file} ${createHash('sha256').update(text).digest('hex')}`
      const pack = before.get(name) ?? parsePack(text, file)
      // The program's own are put to their examples when the program is built; each time would take half a second.
      const wrong =
        !before.has(name) && (checkExamples || resolve(dirname(file)) !== packsFolder()) ? checkPack(pack) : []
      if (wrong.length > 0) throw new SallyportError('policy_invalid', wrong.map((one) => `${file}: ${one}`).join('\n'))
      known.set(name, pack)
      return pack
    })
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new SallyportError('policy_invalid', `the rule packs cannot be read: ${reason}`, { cause })
  }
}

/** Every problem, one a line, as the one error that can be thrown. */
export function policyInvalid(problems: readonly Problem[], hint?: string): SallyportError {
  return new SallyportError('policy_invalid', problems.map(formatProblem).join('\n'), { hint })
}

function inOrder(problems: readonly Problem[], paths: readonly string[]): Problem[] {
  const at = (problem: Problem): number => paths.indexOf(problem.file)
  return [...problems].sort((a, b) => at(a) - at(b) || a.line - b.line || a.column - b.column)
}

async function filesOf(dir: string): Promise<string[]> {
  const files = await policyFilesIn(dir).catch((cause: unknown) => {
    throw new SallyportError('policy_invalid', `${dir}: the policy folder cannot be read`, { cause, hint: NO_FOLDER })
  })
  // No file would mean no rule: a deleted policy must not quietly become none at all.
  if (files.length === 0)
    throw new SallyportError('policy_invalid', `${dir}: there is no policy file`, { hint: NO_FILE })
  return files
}

/** Milliseconds. */
export const TURN_MS = 4

const NO_FOLDER = 'Look at policies.dir. Where it is not there yet, the first start makes it.'
const NO_FILE = 'An empty file is enough to say that no rule is wanted.'
