import type { RuleBook } from '../detect/index.ts'
import type { Hook } from '../inspect/hook.ts'
import type { Limiter } from '../inspect/limiter.ts'
import { digestOf } from './digest.ts'
import { repeatedNames } from './files.ts'
import type { ReadPolicy } from './files.ts'
import { compileEntries } from './intercept.ts'
import { bindingsOf, handlingOf, inspectedHosts } from './match.ts'
import type { BrokenPolicies, PlacedTest, PolicySet } from './match.ts'
import { compileRules } from './rules.ts'
import { defaultScalars } from './schema.ts'
import type { PolicyScalars } from './schema.ts'

export type { PolicySet }

export type CompileSources = {
  readonly hooks: readonly Hook[]
  readonly book: RuleBook
  /** Host patterns of the providers that the program knows: what `catalogue` stands for. */
  readonly catalogue: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** What counts for rate limits; in memory when it is not given. */
  readonly limiter?: Limiter | undefined
}

/** Files read in order, as one set; or every problem that a single file does not show. */
export function compilePolicies(files: readonly ReadPolicy[], sources: CompileSources): PolicySet | BrokenPolicies {
  const scalars = mergedScalars(files)
  const { entries, problems: entryProblems } = compileEntries(files, sources.catalogue, scalars)
  const { rules, used, problems: ruleProblems } = compileRules(files, sources)
  const names = [...repeatedNames(files, 'rules'), ...repeatedNames(files, 'tests')]
  const problems = [...entryProblems, ...ruleProblems, ...names]
  const dependsOn = used.map((file) => file.path)
  if (problems.length > 0) return { problems, dependsOn }
  const contents = [...files.map((file) => file.document.raw), sources.book.digest, ...used.map((file) => file.content)]
  return {
    ...scalars,
    digest: digestOf(contents),
    intercept: (about) => handlingOf(entries, about),
    bindingsFor: bindingsOf(rules),
    inspectedHosts: inspectedHosts(entries),
    files: files.map((file) => file.path),
    dependsOn,
    entries,
    rules,
    tests: files.flatMap(placedTests),
  }
}

function mergedScalars(files: readonly ReadPolicy[]): PolicyScalars {
  const merged: Record<string, unknown> = { ...defaultScalars }
  for (const { content } of files) {
    for (const key of Object.keys(defaultScalars) as (keyof PolicyScalars)[]) {
      if (content[key] !== undefined) merged[key] = content[key]
    }
  }
  return merged as PolicyScalars
}

function placedTests({ path, content, document }: ReadPolicy): PlacedTest[] {
  return (content.tests ?? []).map((test, index) => ({
    test,
    file: path,
    line: document.positionOf(['tests', index])?.line ?? 1,
  }))
}
