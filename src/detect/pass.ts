import type { Steps } from '../lib/steps.ts'
import type { Match } from '../core/verdict.ts'
import type { Reading } from './reader.ts'
import type { RuleSet } from './rule-set.ts'

/** What goes through a text once for one or several rule sets. */
export type Pass = {
  /** Which of the sets it is for, by their index. */
  readonly members: readonly number[]
  /** What it finds for a member, by that one's place among the members. */
  readonly placeOf: readonly number[]
  /** The rules it applies: the digest of each different set, in the order in which a reading answers. */
  readonly digests: readonly string[]
  readonly read: (text: string, context?: { readonly key?: string }) => Reading
}

/** As few passes as there can be over the same texts for these sets: those alike, and those of one book, share one. */
export function passesOver(sets: readonly RuleSet[]): readonly Pass[] {
  return membersOf(sets).map((members) => passFor(sets, members))
}

/** Makes beforehand, a little at each step, what those passes need. */
export function* preparePasses(sets: readonly RuleSet[]): Steps<void> {
  for (const members of membersOf(sets)) {
    const prepare = sets[members[0] as number]?.shared?.prepare
    if (prepare !== undefined) yield* prepare(digestsOf(sets, members).digests)
  }
}

function membersOf(sets: readonly RuleSet[]): number[][] {
  const groups: number[][] = []
  for (let i = 0; i < sets.length; i++) {
    const set = sets[i] as RuleSet
    const group = groups.find(([first]) => isAlike(sets[first as number] as RuleSet, set))
    if (group === undefined) groups.push([i])
    else group.push(i)
  }
  return groups
}

function digestsOf(sets: readonly RuleSet[], members: readonly number[]): Pick<Pass, 'digests' | 'placeOf'> {
  const digests: string[] = []
  const placeOf = members.map((member) => {
    const { digest } = sets[member] as RuleSet
    const place = digests.indexOf(digest)
    return place === -1 ? digests.push(digest) - 1 : place
  })
  return { digests, placeOf }
}

function passFor(sets: readonly RuleSet[], members: readonly number[]): Pass {
  const first = sets[members[0] as number] as RuleSet
  const { digests, placeOf } = digestsOf(sets, members)
  const reader = first.shared?.readerFor(digests)
  return {
    members,
    placeOf,
    digests,
    read: (text, context) => reader?.(text, context?.key ?? '') ?? readAtOnce(first, text, context),
  }
}

function isAlike(a: RuleSet, b: RuleSet): boolean {
  return a.shared === undefined ? b.shared === undefined && a.digest === b.digest : a.shared === b.shared
}

/** A set of its own that reads at once cannot stop in the midst of a text. */
function readAtOnce(set: RuleSet, text: string, context?: { readonly key?: string }): Reading {
  let matches: readonly (readonly Match[])[] = []
  return {
    advance: () => {
      matches = [set.find(text, context)]
      return false
    },
    found: () => matches,
    pendingFrom: () => set.pendingFrom(text),
  }
}
