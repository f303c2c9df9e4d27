import { parsePattern } from './syntax.ts'
import type { Node } from './syntax.ts'

/**
 * The same pattern without `(?i:` and `(?-i:`, for an expression without flags: characters in any case are written as classes. V8
 * takes such groups wrongly once an expression has run often (`/(?i:[a-z]{6}1|[a-z]{3}$)/` does not match `AAA`).
 */
export function withoutModifiers(source: string, anyCase: boolean): string {
  return written(parsePattern(source), anyCase)
}

export function hasModifiers(source: string): boolean {
  return /\(\?(?:i|-i):/.test(source)
}

function written(node: Node, anyCase: boolean): string {
  switch (node.kind) {
    case 'char':
      return anyCase ? inAnyCase(node.source) : node.source
    case 'assert':
      return asserted(node.source, anyCase)
    case 'sequence':
      return node.items.map((item) => written(item, anyCase)).join('')
    case 'choice':
      return node.options.map((option) => written(option, anyCase)).join('|')
    case 'group':
      return grouped(node, anyCase)
    case 'repeat':
      return `${written(node.body, anyCase)}{${node.min},${node.max === Infinity ? '' : node.max}}${node.lazy}`
  }
}

function grouped({ open, number, body }: Extract<Node, { kind: 'group' }>, anyCase: boolean): string {
  if (number > 0) return `(${written(body, anyCase)})`
  const inside = open === '(?i:' ? true : open === '(?-i:' ? false : anyCase
  return `(?:${written(body, inside)})`
}

function asserted(source: string, anyCase: boolean): string {
  const open = /^\(\?<?[=!]/.exec(source)?.[0]
  if (open === undefined) return source
  return `${open}${written(parsePattern(source.slice(open.length, -1)), anyCase)})`
}

/** A character or class as a class that has both cases of its letters. */
function inAnyCase(source: string): string {
  if (source === '.' || /^\\[dDwWsSpPbB]/.test(source)) return source
  const negated = source.startsWith('[^')
  const [exact, folded] = [new RegExp(`^${source}$`), new RegExp(`^${source}$`, 'i')]
  const letters = [...source.replaceAll(/\\./g, ''), ...ascii].flatMap((char) => [
    char.toLowerCase(),
    char.toUpperCase(),
  ])
  const others = [...new Set(letters)].filter((char) => char.length === 1 && exact.test(char) !== folded.test(char))
  if (others.length === 0) return source
  const inside = source.startsWith('[') ? source.slice(negated ? 2 : 1, -1) : source
  // What stands last in a class could be a lone hyphen.
  return `[${negated ? '^' : ''}${others.join('')}${inside}]`
}

const ascii = 'abcdefghijklmnopqrstuvwxyz'
