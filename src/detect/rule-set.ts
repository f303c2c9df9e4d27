import type { Match } from '../core/verdict.ts'
import type { Steps } from '../lib/steps.ts'
import type { Reading } from './reader.ts'

export type RuleSet = {
  /** Changes whenever the same text could give other matches. */
  readonly digest: string
  /**
   * Matches by their start, none overlapping another; offsets are those of `text` as it was given. `key` is the name under which
   * the text stands: it counts as context, and `password` as a key makes the text a password.
   */
  readonly find: (text: string, context?: { readonly key?: string }) => readonly Match[]
  /**
   * The smallest index from which the text could be the beginning of a match if more followed; the length of the text when there
   * is none. A match that might get longer counts. Give it some text before (64 characters): context words count. A match that
   * begins more than 4,096 characters before the end may be missed.
   */
  readonly pendingFrom: (text: string) => number
  /** Whether a match of this type, rule and confidence, found earlier, is one that this set looks for. */
  readonly wants: (match: Pick<Match, 'type' | 'rule' | 'confidence'>) => boolean
  /** Sets that have the same one can be looked for in one pass: see `passesOver`. */
  readonly shared?: SharedReader
}

/** What reads for several sets at once. */
export type SharedReader = {
  /** The sets are named by their digests, each once. */
  readonly readerFor: (digests: readonly string[]) => (text: string, key: string) => Reading
  /** Makes beforehand, a little at each step, what `readerFor` would else make at once. Throws what that would. */
  readonly prepare?: (digests: readonly string[]) => Steps<void>
}
