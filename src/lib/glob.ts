export type GlobOptions = { readonly ignoreCase?: boolean }

/**
 * Whether a text matches one of the patterns: `*` is any run of characters, `?` is one, everything else is itself. The whole
 * text must match, so `*.example.com` is every name under example.com and not example.com. Time grows with the text's
 * length times the pattern's, never faster. No patterns match nothing.
 */
export function globMatcher(patterns: readonly string[], options: GlobOptions = {}): (text: string) => boolean {
  const ignoreCase = options.ignoreCase === true
  const folded = ignoreCase ? patterns.map((pattern) => pattern.toLowerCase()) : patterns
  if (folded.some((pattern) => /^\*+$/.test(pattern))) return () => true
  const exact = new Set(folded.filter((pattern) => !isGlob(pattern)))
  const under = new Set(folded.filter(isUnder).map((pattern) => pattern.slice(1)))
  const others = folded.filter((pattern) => isGlob(pattern) && !isUnder(pattern))
  return (given) => {
    const text = ignoreCase ? given.toLowerCase() : given
    if (exact.has(text)) return true
    if (under.size > 0 && endsUnder(text, under)) return true
    for (const pattern of others) if (matchesGlob(pattern, text)) return true
    return false
  }
}

/** Whether the text has a `*` or `?` in it. */
export function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/** Greedy: a mismatch goes back to the last `*` only, because what an earlier one took can never help. */
function matchesGlob(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    const code = p < pattern.length ? pattern.charCodeAt(p) : -1
    if (code === STAR) {
      star = p++
      resume = t
    } else if (code === QUESTION || code === text.charCodeAt(t)) {
      p++
      t++
    } else if (star !== -1) {
      p = star + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (p < pattern.length && pattern.charCodeAt(p) === STAR) p++
  return p === pattern.length
}

/** `*.` and a plain name: looked up by suffix, so that a long list costs a look-up per label and not a try per pattern. */
const isUnder = (pattern: string): boolean => pattern.startsWith('*.') && !isGlob(pattern.slice(1))

function endsUnder(text: string, suffixes: ReadonlySet<string>): boolean {
  for (let dot = text.indexOf('.', 1); dot !== -1; dot = text.indexOf('.', dot + 1)) {
    if (suffixes.has(text.slice(dot))) return true
  }
  return false
}

const STAR = 42
const QUESTION = 63
