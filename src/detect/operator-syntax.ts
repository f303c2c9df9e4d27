/** A construct that linear time rules out or that RE2 writes differently. `at` is the index of its first character. */
export type Unsupported = { readonly what: string; readonly at: number; readonly hint: string }

/** The first one in an expression; undefined when there is none. */
export function unsupportedIn(source: string): Unsupported | undefined {
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at)
    if (char === '\\') {
      if (source.startsWith('\\Q', at)) {
        const end = source.indexOf('\\E', at + 2)
        at = end === -1 ? source.length : end + 1
        continue
      }
      const escape = inClass ? undefined : matching(escapes, source, at)
      const anywhere = escape ?? matching(escapesAnywhere, source, at)
      if (anywhere !== undefined) return anywhere
      at++
    } else if (inClass) inClass = char !== ']'
    else if (char === '[') {
      inClass = true
      // A bracket that comes first stands for itself; so do those of a named class.
      const first = /\[\^?\]?(?:\[:\^?[a-z]+:\])*/y
      first.lastIndex = at
      at += (first.exec(source)?.[0].length ?? 1) - 1
    } else {
      const construct = matching(constructs, source, at)
      if (construct !== undefined) return construct
    }
  }
  return undefined
}

type Construct = { readonly sign: RegExp; readonly what: string; readonly hint: string }

function matching(list: readonly Construct[], source: string, at: number): Unsupported | undefined {
  for (const { sign, what, hint } of list) {
    const found = new RegExp(sign.source, 'y')
    found.lastIndex = at
    if (found.test(source)) return { what, at, hint }
  }
  return undefined
}

const noLooking =
  'Match the neighbouring text too; `\\b` stands between a word and what is none, and `words` are whole words.'
const noGoingBack = 'Write what is to come again once more: linear time knows no memory.'

const constructs: readonly Construct[] = [
  { sign: /\(\?=/, what: 'a look-ahead `(?=…)`', hint: noLooking },
  { sign: /\(\?!/, what: 'a negative look-ahead `(?!…)`', hint: noLooking },
  { sign: /\(\?<=/, what: 'a look-behind `(?<=…)`', hint: noLooking },
  { sign: /\(\?<!/, what: 'a negative look-behind `(?<!…)`', hint: noLooking },
  { sign: /\(\?>/, what: 'an atomic group `(?>…)`', hint: 'Write `(?:…)`: nothing is ever tried twice.' },
  { sign: /\(\?P=/, what: 'a back reference `(?P=…)`', hint: noGoingBack },
  { sign: /\(\?(?:R|P>|&|[+-]?\d)/, what: 'recursion', hint: 'Write the levels out, as many as there can be.' },
  { sign: /\(\?\(/, what: 'a condition `(?(…)…)`', hint: 'Write the alternatives out: `a…|b…`.' },
  { sign: /\(\?\|/, what: 'a branch reset `(?|…)`', hint: 'Write `(?:…)`.' },
  { sign: /\(\?#/, what: 'a comment `(?#…)`', hint: 'Leave it out; YAML has comments.' },
  { sign: /\(\?'/, what: "a group named as `(?'…'…)`", hint: 'Write `(?P<name>…)`, or no name at all.' },
  { sign: /\(\?[a-zA-Z]*[xnJ]/, what: 'the flag `x`, `n` or `J`', hint: 'The flags are `i`, `m`, `s` and `U`.' },
  { sign: /\(\*/, what: 'a verb `(*…)`', hint: 'Leave it out: nothing is ever tried twice.' },
  {
    sign: /(?:[*+?]|\{\d+(?:,\d*)?\})\+/,
    what: 'a possessive repeat',
    hint: 'Leave the second `+` out: nothing is ever tried twice.',
  },
  {
    sign: /\{(?:\d{5,}|[2-9]\d{3}|1(?!000[,}])\d{3})(?:,\d*)?\}|\{\d+,(?:\d{5,}|[2-9]\d{3}|1(?!000\})\d{3})\}/,
    what: 'a repeat of more than 1,000',
    hint: 'Write `{n,}` or a smaller number: what comes after so much hardly tells more.',
  },
]

const escapes: readonly Construct[] = [
  { sign: /\\[1-9]/, what: 'a back reference', hint: noGoingBack },
  { sign: /\\k[<{']/, what: 'a back reference `\\k`', hint: noGoingBack },
  { sign: /\\g/, what: 'a reference `\\g`', hint: noGoingBack },
  { sign: /\\K/, what: '`\\K`', hint: noLooking },
  { sign: /\\G/, what: '`\\G`', hint: 'Leave it out.' },
  { sign: /\\Z/, what: '`\\Z`', hint: 'Write `\\z` for the end of the text.' },
  { sign: /\\R/, what: '`\\R`', hint: 'Write `\\r?\\n`.' },
  { sign: /\\X/, what: '`\\X`', hint: 'Write `\\pL\\pM*`, or what is meant.' },
]

const escapesAnywhere: readonly Construct[] = [
  {
    sign: /\\u/,
    what: 'an escape `\\u`',
    hint: 'Write `\\x{…}` with the hexadecimal number, or the character itself.',
  },
  { sign: /\\c/, what: 'an escape `\\c`', hint: 'Write `\\x{…}` with the hexadecimal number.' },
  { sign: /\\e/, what: 'an escape `\\e`', hint: 'Write `\\x1b`.' },
  { sign: /\\h/, what: '`\\h`', hint: 'Write `[ \\t]`.' },
  {
    sign: /\\[pP]\{(?:Script|sc|scx|Script_Extensions|gc|General_Category)=/,
    what: 'a property with a name',
    hint: 'Write `\\p{Greek}` or `\\p{Lu}`.',
  },
]
