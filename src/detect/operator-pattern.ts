import { RE2JS } from 're2js'
import { SallyportError } from '../core/errors.ts'
import { unsupportedIn } from './operator-syntax.ts'
import { parsePattern, partialSource } from './syntax.ts'

/**
 * An operator's expression (RE2): linear time in the text, and so many steps for each character as it has states. Long texts are
 * looked through in windows, so that none holds the others up whatever the expression is.
 */
export type OperatorPattern = {
  /** Characters at whose places one window looks for matches. */
  readonly window: number
  /** What a character costs, as a multiple of what it costs the rule packs. */
  readonly cost: number
  /** Adds the places of matches that begin in [from, from + window), `from` being a multiple of `window`; gives the last one's end. */
  readonly find: (text: string, from: number, after: number, found: [start: number, end: number][]) => number
  /** The first place from which the end of the text could be the beginning of a match. */
  readonly pendingFrom: (text: string) => number
}

/** Matches longer than this may be found in part where a text has more than one window, and are not held back in streams. */
export const longestMatch = 512

/** Throws SallyportError `policy_invalid`: what is not supported, where it stands, and what to write instead. */
export function operatorPattern(source: string, caseSensitive: boolean): OperatorPattern {
  const flags = caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE
  const whole = compiled(source.normalize('NFC'), flags)
  const states = whole.programSize()
  if (states > mostStates) {
    throw refused(
      source,
      `it takes ${states} states, of at most ${mostStates}`,
      'Write shorter repeats; name words under `words`.',
    )
  }
  const window = Math.max(64, Math.min(65_536, Math.floor(mostSteps / states)) - longestMatch)
  const beginning = beginningOf(source.normalize('NFC'), flags)
  return {
    window,
    cost: 8 + states / 4,
    find: (text, from, after, found) => findIn(whole, text, from, window, after, found),
    pendingFrom: (text) => {
      const from = Math.max(0, text.length - longestMatch)
      if (beginning === undefined) return from
      const matcher = beginning.matcher(text.slice(from))
      return matcher.find() ? from + matcher.start() : text.length
    },
  }
}

function findIn(
  whole: RE2JS,
  text: string,
  from: number,
  window: number,
  after: number,
  found: [start: number, end: number][],
): number {
  const until = from + window
  // One window, with what is left at the end of the text where that is little.
  const base = Math.max(0, from - 2)
  const cut = Math.min(text.length, until + longestMatch)
  const piece = base === 0 && cut === text.length ? text : text.slice(base, cut)
  const matcher = whole.matcher(piece)
  let last = after
  for (let at = Math.max(from, after); at < until && at <= cut && matcher.find(at - base);) {
    const start = base + matcher.start()
    let end = base + matcher.end()
    if (start >= until) break
    // At a cut `$` takes it for the end of the text, and a match may go on.
    if (end === cut && cut < text.length) end = endBeyond(whole, text, start, cut)
    if (end > start) {
      found.push([start, end])
      last = end
    }
    at = Math.max(end, start + 1)
  }
  return last
}

/** The end of the match that begins at `start`, with more of the text at hand; `start` when there is none. */
function endBeyond(whole: RE2JS, text: string, start: number, cut: number): number {
  const base = Math.max(0, start - 2)
  const matcher = whole.matcher(text.slice(base, cut + longestMatch))
  return matcher.find(start - base) && base + matcher.start() === start ? base + matcher.end() : start
}

function compiled(source: string, flags: number): RE2JS {
  const unsupported = unsupportedIn(source)
  if (unsupported !== undefined) {
    const { what, at, hint } = unsupported
    throw refused(source, `${what} at character ${at + 1} is not supported`, hint)
  }
  try {
    return RE2JS.compile(source, flags)
  } catch (cause) {
    const why = (cause as Error).message.replace(/^error parsing regexp: /, '').replace('`(?i)', '`')
    throw refused(source, why, 'Patterns are RE2 expressions: https://github.com/google/re2/wiki/Syntax.', cause)
  }
}

function refused(source: string, why: string, hint: string, cause?: unknown): SallyportError {
  return new SallyportError('policy_invalid', `keyword pattern ${JSON.stringify(source)}: ${why}`, { cause, hint })
}

/** What finds the first place from which the rest of a text is a beginning of a match; undefined when that is unknown, or slow. */
function beginningOf(source: string, flags: number): RE2JS | undefined {
  const own = /^\(\?([isU]+)\)/.exec(source)?.[0] ?? ''
  const rest = source.slice(own.length)
  // Spellings of RE2 that the parser would take for something else.
  if (/\[:|\[\^?\]|\\[QAzC]|\\[pP][^{]|\\x\{|\(\?[a-zA-Z-]*\)|\(\?[a-zA-Z]*m/.test(rest)) return undefined
  try {
    const made = RE2JS.compile(own + partialSource(parsePattern(rest)), flags)
    return made.programSize() > mostStates / 2 ? undefined : made
  } catch {
    return undefined
  }
}

// Each state at each character takes 40 ns at the worst: a window takes 50 ms at most, ordinary ones a hundredth of that.
const mostSteps = 1_250_000
const mostStates = 1_024
