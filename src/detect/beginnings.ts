import type { Node } from './syntax.ts'

/** Expressions for single characters and assertions, made once for all the rules that ask. */
export type Atoms = Map<string, RegExp>

/**
 * Whether the text (the first 30 characters of it) is a beginning of something `node` matches, the whole included, in any case: what
 * the expression of `partialSource` says, without the cost of compiling one.
 */
export function canBegin(node: Node, text: string, atoms: Atoms): boolean {
  const run: Run = { text: text.slice(0, 30), atoms, ends: false }
  const after = partly(run, node, true, 1)
  return run.ends || reachesEnd(run, after)
}

/** The same, or a match of `node` ends within the text: false is that none begins so. Look-behinds must not be in it. */
export function canStart(node: Node, text: string, atoms: Atoms, anyCase = true): boolean {
  const run: Run = { text: text.slice(0, 30), atoms, ends: false }
  const after = partly(run, node, anyCase, 1)
  return run.ends || after !== 0
}

/** Sets of places in the text are bits: bit i is before character i. */
type Places = number

/** `ends`: from some place on the text was found to end within what was tried. */
type Run = { readonly text: string; readonly atoms: Atoms; ends: boolean }

/** The places behind `node`. Where the text ends before that is noted; look-aheads cannot be known then and are taken as true. */
function partly(run: Run, node: Node, anyCase: boolean, from: Places): Places {
  if (from === 0 || run.ends) return 0
  switch (node.kind) {
    case 'char':
      run.ends ||= reachesEnd(run, from)
      return wholly(run, node, anyCase, from)
    case 'assert':
      return node.behind ? wholly(run, node, anyCase, from) : from
    case 'sequence':
      return through(node.items, from, (item, places) => partly(run, item, anyCase, places))
    case 'choice':
      for (const option of node.options) endWithin(run, option, anyCase, from)
      return wholly(run, node, anyCase, from)
    case 'group':
      endWithin(run, node.body, caseIn(node.open, anyCase), from)
      return wholly(run, node, anyCase, from)
    case 'repeat':
      if (node.max === 0) return from
      endWithin(run, node.body, anyCase, times(run, node.body, anyCase, 0, node.max - 1, from))
      return wholly(run, node, anyCase, from)
  }
}

/** What follows does not matter: the text has to end here. */
function endWithin(run: Run, node: Node, anyCase: boolean, from: Places): void {
  const after = partly(run, node, anyCase, from)
  run.ends ||= reachesEnd(run, after)
}

/** The places behind `node` when all of it matches. */
function wholly(run: Run, node: Node, anyCase: boolean, from: Places): Places {
  if (from === 0 || run.ends) return 0
  switch (node.kind) {
    case 'char':
      return where(run, node.source, anyCase, from & ~(1 << run.text.length)) << 1
    case 'assert':
      return where(run, node.source, anyCase, from)
    case 'sequence':
      return through(node.items, from, (item, places) => wholly(run, item, anyCase, places))
    case 'choice':
      return node.options.reduce((places, option) => places | wholly(run, option, anyCase, from), 0)
    case 'group':
      return wholly(run, node.body, caseIn(node.open, anyCase), from)
    case 'repeat':
      return times(run, node.body, anyCase, node.min, node.max, from)
  }
}

function through(items: readonly Node[], from: Places, step: (item: Node, places: Places) => Places): Places {
  let places = from
  for (let i = 0; i < items.length && places !== 0; i++) places = step(items[i] as Node, places)
  return places
}

function times(run: Run, body: Node, anyCase: boolean, min: number, max: number, from: Places): Places {
  let reached = min === 0 ? from : 0
  let places = from
  for (let i = 1; i <= max && places !== 0; i++) {
    places = wholly(run, body, anyCase, places)
    if (i < min) continue
    if ((places & ~reached) === 0) break
    reached |= places
  }
  return reached
}

/** Those of the places where a single character or an assertion fits. */
function where(run: Run, source: string, anyCase: boolean, from: Places): Places {
  let fitting = 0
  for (let at = 0; at <= run.text.length; at++) {
    if ((from & (1 << at)) !== 0 && fits(run, source, anyCase, at)) fitting |= 1 << at
  }
  return fitting
}

function fits({ text, atoms }: Run, source: string, anyCase: boolean, at: number): boolean {
  if (source.length === 1 && !'.^$'.includes(source) && source.charCodeAt(0) < 128 && text.charCodeAt(at) < 128) {
    const char = text.charAt(at)
    return char === source || (anyCase && char.toLowerCase() === source.toLowerCase())
  }
  const key = (anyCase ? 'i' : '') + source
  let atom = atoms.get(key)
  if (atom === undefined) atoms.set(key, (atom = new RegExp(source, anyCase ? 'iy' : 'y')))
  atom.lastIndex = at
  return atom.test(text)
}

function reachesEnd(run: Run, places: Places): boolean {
  return (places & (1 << run.text.length)) !== 0
}

/** `(?i:`, `(?-i:` and the like. */
function caseIn(open: string, anyCase: boolean): boolean {
  if (open === '(?:') return anyCase
  const modifiers = /^\(\?([a-z]*)-?([a-z]*):/.exec(open)
  if (modifiers?.[1]?.includes('i') === true) return true
  return modifiers?.[2]?.includes('i') === true ? false : anyCase
}
