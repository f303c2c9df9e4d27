import { basename } from 'node:path'
import { problemAt } from '../lib/yaml-strict.ts'
import type { Problem } from '../lib/yaml-strict.ts'
import type { ReadPolicy } from './files.ts'
import { entryConditions, withCatalogue } from './conditions.ts'
import type { Condition, ConnectionFacts } from './conditions.ts'
import type { AcceptedAttestation, InterceptEntry, PolicyScalars } from './schema.ts'

/** What to do with a connection, and why, in words for its record. */
export type Handling = {
  readonly action: 'inspect' | 'tunnel' | 'deny'
  readonly reason: string
  readonly onRejectedLeaf: 'refuse' | 'tunnel'
  /** What the entry says of attestation, where it says anything. */
  readonly attestation?: AcceptedAttestation
}

/** An intercept entry, ready to be asked. `file` is null for the two that stand behind all files. */
export type CompiledEntry = {
  readonly entry: InterceptEntry
  readonly file: string | null
  readonly line: number
  /** The hosts, with `catalogue` replaced by what it stands for. */
  readonly patterns: readonly string[]
  readonly conditions: readonly Condition<ConnectionFacts>[]
  readonly handling: Handling
}

/** The entries of all files in order, and behind them the default: provider hosts are inspected, everything else is relayed. */
export function compileEntries(
  files: readonly ReadPolicy[],
  catalogue: readonly string[],
  scalars: Pick<PolicyScalars, 'onRejectedLeaf'>,
): { readonly entries: readonly CompiledEntry[]; readonly problems: readonly Problem[] } {
  const entries: CompiledEntry[] = []
  const problems: Problem[] = []
  for (const { path, content, document } of files) {
    for (const [index, entry] of (content.intercept ?? []).entries()) {
      const line = document.positionOf(['intercept', index])?.line ?? 1
      try {
        entries.push(compiled(entry, path, line, catalogue, scalars))
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        problems.push(problemAt(document, ['intercept', index], error.message))
      }
    }
  }
  for (const entry of fallback) entries.push(compiled(entry, null, 0, catalogue, scalars))
  return { entries, problems }
}

function compiled(
  entry: InterceptEntry,
  file: string | null,
  line: number,
  catalogue: readonly string[],
  scalars: Pick<PolicyScalars, 'onRejectedLeaf'>,
): CompiledEntry {
  const shown = entry.hosts.length > 2 ? `${entry.hosts.slice(0, 2).join(', ')}, …` : entry.hosts.join(', ')
  const origin = file === null ? 'default' : `${basename(file)}:${line}`
  const handling: Handling = {
    action: entry.action,
    reason: entry.reason ?? `${shown} (${origin})`,
    onRejectedLeaf: entry.onRejectedLeaf ?? scalars.onRejectedLeaf,
    ...(entry.attestation === undefined ? {} : { attestation: entry.attestation }),
  }
  const patterns = withCatalogue(entry.hosts, catalogue)
  return { entry, file, line, patterns, conditions: entryConditions(entry, patterns), handling }
}

const fallback: readonly InterceptEntry[] = [
  { hosts: ['catalogue'], action: 'inspect', reason: 'provider catalogue' },
  { hosts: ['*'], action: 'tunnel', reason: 'not in the provider catalogue' },
]
