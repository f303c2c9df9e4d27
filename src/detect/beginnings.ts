import type { Node } from './syntax.ts'

/** Expressions for single characters and assertions, made once for all the rules that ask. */
export type Atoms = Map<string, RegExp>

/**
 * Whether the text is a beginning of something `node` matches (the whole included), in any case: what the expression of
 * `partialSource` says, without the cost of compiling one. For short texts.
 */
export function canBegin(node: Node, text: string, atoms: Atoms): boolean {
  return partly({ text, atoms }, node, true, 0, (at) => at === text.length)
}

type Run = { readonly text: string; readonly atoms: Atoms }
type Rest = (at: number) => boolean

/** The text ends within `node`, or `node` matches and the rest does. Look-aheads cannot be known then and are taken as true. */
function partly(run: Run, node: Node, anyCase: boolean, at: number, rest: Rest): boolean {
  const atEnd: Rest = (index) => index === run.text.length
  switch (node.kind) {
    case 'char':
      return atEnd(at) || (is(run, node.source, anyCase, at) && rest(at + 1))
    case 'assert':
      return (!node.behind || is(run, node.source, anyCase, at)) && rest(at)
    case 'sequence': {
      const from = (item: number, index: number): boolean =>
        item === node.items.length
          ? rest(index)
          : partly(run, node.items[item] as Node, anyCase, index, (next) => from(item + 1, next))
      return from(0, at)
    }
    case 'choice':
      return (
        wholly(run, node, anyCase, at, rest) || node.options.some((option) => partly(run, option, anyCase, at, atEnd))
      )
    case 'group':
      return wholly(run, node, anyCase, at, rest) || partly(run, node.body, caseIn(node.open, anyCase), at, atEnd)
    case 'repeat':
      if (node.max === 0) return rest(at)
      return (
        wholly(run, node, anyCase, at, rest) ||
        times(run, node.body, anyCase, 0, node.max - 1, at, (next) => partly(run, node.body, anyCase, next, atEnd))
      )
  }
}

function wholly(run: Run, node: Node, anyCase: boolean, at: number, rest: Rest): boolean {
  switch (node.kind) {
    case 'char':
      return at < run.text.length && is(run, node.source, anyCase, at) && rest(at + 1)
    case 'assert':
      return is(run, node.source, anyCase, at) && rest(at)
    case 'sequence': {
      const from = (item: number, index: number): boolean =>
        item === node.items.length
          ? rest(index)
          : wholly(run, node.items[item] as Node, anyCase, index, (next) => from(item + 1, next))
      return from(0, at)
    }
    case 'choice':
      return node.options.some((option) => wholly(run, option, anyCase, at, rest))
    case 'group':
      return wholly(run, node.body, caseIn(node.open, anyCase), at, rest)
    case 'repeat':
      return times(run, node.body, anyCase, node.min, node.max, at, rest)
  }
}

function times(run: Run, body: Node, anyCase: boolean, min: number, max: number, at: number, rest: Rest): boolean {
  const again: Rest = (next) =>
    (next > at || min > 0) && times(run, body, anyCase, Math.max(0, min - 1), max - 1, next, rest)
  return (max > 0 && wholly(run, body, anyCase, at, again)) || (min === 0 && rest(at))
}

function is({ text, atoms }: Run, source: string, anyCase: boolean, at: number): boolean {
  if (source.length === 1 && source !== '.' && source.charCodeAt(0) < 128 && text.charCodeAt(at) < 128) {
    const char = text.charAt(at)
    return char === source || (anyCase && char.toLowerCase() === source.toLowerCase())
  }
  const flags = anyCase ? 'iy' : 'y'
  const key = flags + source
  let atom = atoms.get(key)
  if (atom === undefined) atoms.set(key, (atom = new RegExp(source, flags)))
  atom.lastIndex = at
  return atom.test(text)
}

/** `(?i:`, `(?-i:` and the like. */
function caseIn(open: string, anyCase: boolean): boolean {
  const modifiers = /^\(\?([a-z]*)-?([a-z]*):/.exec(open)
  if (modifiers?.[1]?.includes('i') === true) return true
  return modifiers?.[2]?.includes('i') === true ? false : anyCase
}
