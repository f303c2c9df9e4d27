import { longest } from './syntax.ts'
import type { Node } from './syntax.ts'

/** Words of which every match has one, and how many characters of the match can stand before it at most. */
export type Openers = { readonly words: readonly string[]; readonly before: number; readonly longest: number }

/** The first such words of a pattern, in lower case; undefined when they would be too short, too many or too far in. */
export function openersOf(node: Node): Openers | undefined {
  const items = itemsOf(node)
  let before = 0
  for (let i = 0; i < items.length && before <= mostBefore; i++) {
    const words = new Set(inSequence(items.slice(i)).map(({ text }) => text))
    if (words.size <= mostWords && [...words].every((word) => word.length >= shortest))
      return { words: [...words], before, longest: Math.max(...[...words].map((word) => word.length)) }
    before += longest(items[i] as Node)
  }
  return undefined
}

/**
 * Whether, wherever a match covers the keyword, the match's opener ends with it or before: then who comes upon the keyword has come
 * upon the opener.
 */
export function opensBefore({ words, before }: Omit<Openers, 'longest'>, keyword: string): boolean {
  return words.every((word) => {
    if (before > 0 && keyword.length <= before) return false
    for (let outside = 0; outside < keyword.length; outside++) {
      const rest = keyword.slice(outside)
      if (outside > 0 && outside <= before && word.startsWith(rest) && word !== rest) return false
    }
    if (before > 0 && keyword.endsWith(word) && keyword !== word && keyword.length - word.length <= before) return false
    const at = word.indexOf(keyword)
    return at === -1 || at + keyword.length === word.length
  })
}

/** `open`: what follows the text is not known. */
type Literal = { readonly text: string; readonly open: boolean }

function itemsOf(node: Node): readonly Node[] {
  if (node.kind === 'sequence' && node.items.length === 1) return itemsOf(node.items[0] as Node)
  if (node.kind === 'sequence') return node.items
  return node.kind === 'group' ? itemsOf(node.body) : [node]
}

function literals(node: Node): Literal[] {
  switch (node.kind) {
    case 'assert':
      return [{ text: '', open: false }]
    case 'char':
      return spelled(node.source)
    case 'group':
      return literals(node.body)
    case 'sequence':
      return inSequence(node.items)
    case 'choice':
      return node.options.flatMap(literals)
    case 'repeat': {
      if (node.max === 0) return [{ text: '', open: false }]
      const once = literals(node.body).map(({ text, open }) => ({ text, open: open || node.max > 1 }))
      return node.min > 0 ? once : [{ text: '', open: false }, ...once]
    }
  }
}

function inSequence(items: readonly Node[]): Literal[] {
  let all: Literal[] = [{ text: '', open: false }]
  for (const item of items) {
    if (all.every(({ open }) => open)) break
    const next = literals(item)
    const longer = all.flatMap((one) =>
      one.open || one.text.length >= longEnough
        ? [{ text: one.text, open: true }]
        : next.map(({ text, open }) => ({ text: one.text + text, open })),
    )
    // So many ways to go on are no longer worth telling apart.
    all = longer.length <= 2 * mostWords ? longer : all.map(({ text }) => ({ text, open: true }))
  }
  return all
}

/** What a single character of a pattern can be, in lower case, if that is one or two. */
function spelled(source: string): Literal[] {
  const chars =
    /^\[([^\\\]^-]{1,4})\]$/.exec(source)?.[1] ??
    /^\\(\W)$|^([^\\[\].^$\w])$|^(\w)$|^([^\x00-\x7f])$/.exec(source)?.slice(1).join('')
  if (chars === undefined) return [{ text: '', open: true }]
  return [...new Set(chars.toLowerCase())].map((text) => ({ text, open: false }))
}

const shortest = 3
const longEnough = 8
const mostWords = 64
const mostBefore = 8
