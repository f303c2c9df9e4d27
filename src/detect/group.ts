import type { Compiled } from './compiled.ts'
import { parsePattern } from './syntax.ts'

/** Expressions of which one has to match: two at most, since those for any case are on their own. */
export type Either = readonly RegExp[]

/** Rules that are tried together: `any` says in one go whether trying the free ones one by one is worth it. */
export type Group = {
  readonly rules: readonly Compiled[]
  readonly free: readonly Compiled[]
  /** Whether the value of one of them is less than its match. */
  readonly valued: boolean
  /** Rules that only match after certain words, by their numbers, and how far before at most. */
  readonly wanting: ReadonlyMap<number, Wanting>
  readonly widest: number
  readonly any: Either
  /** The same for beginnings of matches. */
  readonly freeBeginning: Either
}

type Wanting = { readonly rule: Compiled; readonly number: number; readonly within: number }

export function groupOf(rules: readonly Compiled[], wanting: readonly Compiled[]): Group {
  const free = rules.filter((rule) => !wanting.includes(rule))
  const numbered = wanting.map((rule, number) => ({ rule, number, within: rule.context?.within ?? 0 }))
  const own = numbered.filter(({ rule }) => rules.includes(rule))
  let freeBeginning: Either | undefined
  return {
    rules,
    free,
    valued: rules.some((rule) => rule.group > 0),
    wanting: new Map(own.map((one) => [one.number, one])),
    widest: Math.max(0, ...own.map(({ within }) => within)),
    any: eitherOf(free, (rule) => rule.source),
    get freeBeginning() {
      return (freeBeginning ??= eitherOf(free, (rule) => rule.beginningSource))
    },
  }
}

/** Whether one of them matches at `at`. */
export function matchesAt(either: Either, text: string, at: number): boolean {
  for (const expression of either) {
    expression.lastIndex = at
    if (expression.test(text)) return true
  }
  return false
}

/** No `(?i:` in it: with alternatives behind, V8 takes `/(?i:[a-z]{6}1|[a-z]{3}$)/` not to match `AAA`. */
function eitherOf(rules: readonly Compiled[], sourceOf: (rule: Compiled) => string): Either {
  return [true, false].flatMap((anyCase) => {
    const sources = rules.filter((rule) => rule.anyCase === anyCase).map(sourceOf)
    return sources.length === 0 ? [] : [new RegExp(factored(sources), anyCase ? 'iy' : 'y')]
  })
}

/** One expression for all: what may not stand before a match is looked at once, not for each. */
function factored(sources: readonly string[]): string {
  const rests = new Map<string, string[]>()
  for (const source of sources) {
    const before = behindOf(source)
    const rest = rests.get(before)
    if (rest === undefined) rests.set(before, [source.slice(before.length)])
    else rest.push(source.slice(before.length))
  }
  const parts = Array.from(rests, ([before, rest]) => `${before}(?:${rest.map((one) => `(?:${one})`).join('|')})`)
  return parts.join('|')
}

/** The look-behind with which every match of the expression begins. */
function behindOf(source: string): string {
  if (!source.startsWith('(?<!')) return ''
  const tree = parsePattern(source)
  const first = tree.kind === 'sequence' ? tree.items[0] : undefined
  return first?.kind === 'assert' && first.behind ? first.source : ''
}
