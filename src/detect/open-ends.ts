import { accepts, full, longest, parsePattern, partialFromGroup, partialSource } from './syntax.ts'
import type { Node } from './syntax.ts'

/**
 * The source of an expression that, tried where a match of `node` begins, matches as long as more text could change or deny that match:
 * it reaches the end of the text, or what one of its look-aheads reads does.
 */
export function openSource(node: Node): string {
  return withoutBehinds(node, (rest) => [partialSource(lenient(rest)), ...undecided(rest, 0, anyAhead)])
}

/**
 * The same for what is no match yet and could become one: `partialSource`, and where all is there but for what a look-ahead asks for.
 * From `number` on, if that is a group, as `partialFromGroup`; it may match without a capture then, which says no.
 */
export function beginningSource(node: Node, number = 0): string {
  const positive = (source: string): boolean => source.startsWith('(?=')
  if (number > 0) {
    const begun = [partialFromGroup(node, number), partialFromGroup(lenient(node), number)]
    const sources = new Set([...begun, ...undecided(marked(node, number), 0, positive)])
    return sources.size === 1 ? (begun[0] as string) : Array.from(sources, (source) => `(?=(?:${source})?)`).join('')
  }
  return withoutBehinds(node, (rest) => [partialSource(lenient(rest)), ...undecided(rest, 0, positive)])
}

/** How many characters before the value a match of `node` may reach, look-behinds included. `number`: the value's group, or 0. */
export function lookBack(node: Node, number: number): number {
  return number === 0 ? readBefore(node) : beforeGroup(node, number) + readBefore(node)
}

/** How many characters behind where it ends a match may read. */
export function lookAhead(node: Node): number {
  return Math.max(0, reading(node) - longest(node))
}

/** Whether some look-ahead that has to be satisfied can read past the character. */
export function readsPast(node: Node, char: string): boolean {
  switch (node.kind) {
    case 'char':
      return false
    case 'assert': {
      const body = node.source.startsWith('(?=') ? aheadOf(node) : undefined
      return body !== undefined && reading(body) > 1 && accepts(body, char)
    }
    case 'group':
    case 'repeat':
      return readsPast(node.body, char)
    case 'sequence':
      return node.items.some((item) => readsPast(item, char))
    case 'choice':
      return node.options.some((option) => readsPast(option, char))
  }
}

/** What may not stand before is said once. */
function withoutBehinds(node: Node, alternatives: (rest: Node) => string[]): string {
  const items = node.kind === 'sequence' ? node.items : [node]
  const behinds = items.findIndex((item) => item.kind !== 'assert' || !item.behind)
  if (behinds < 1) return oneOf(alternatives(node))
  const before = items.slice(0, behinds).map(full).join('')
  return before + oneOf(alternatives({ kind: 'sequence', items: items.slice(behinds) }))
}

function oneOf(sources: readonly string[]): string {
  return sources.length === 1 ? (sources[0] as string) : `(?:${sources.join('|')})`
}

/**
 * For each look-ahead that can read past the rest of the match (`rest`: its shortest length): the pattern with, in its place, that its
 * text is only a beginning so far.
 */
function undecided(node: Node, rest: number, counts: (source: string) => boolean): string[] {
  switch (node.kind) {
    case 'char':
      return []
    case 'assert': {
      const body = counts(node.source) ? aheadOf(node) : undefined
      return body === undefined || reading(body) <= rest ? [] : [`(?=${openSource(body)})`]
    }
    case 'group':
      return undecided(node.body, rest, counts).map((source) => `${node.open}${source})`)
    case 'choice':
      return node.options.flatMap((option) => undecided(option, rest, counts))
    case 'sequence':
      return node.items.flatMap((item, i) => {
        const after = node.items.slice(i + 1)
        const open = undecided(item, rest + sum(after, shortest), counts)
        if (open.length === 0) return []
        const before = node.items.slice(0, i).map(full).join('')
        return [`${before}${oneOf(open)}${after.map(full).join('')}`]
      })
    case 'repeat': {
      if (node.max === 0 || node.max > mostRepeats) return []
      const others = `(?:${full(node.body)}){0,${node.max - 1}}`
      return undecided(node.body, rest, counts).map((source) => `${others}${source}${others}`)
    }
  }
}

/** The body of a look-ahead. */
function aheadOf(node: Node): Node | undefined {
  if (node.kind !== 'assert' || node.behind || !node.source.startsWith('(?')) return undefined
  return parsePattern(node.source.slice(3, -1))
}

/** The tree with look-aheads that are true as long as more text could make them so: they look like look-behinds, which are asked. */
function lenient(node: Node): Node {
  switch (node.kind) {
    case 'char':
      return node
    case 'assert': {
      const body = aheadOf(node)
      if (body === undefined) return node
      return { kind: 'assert', source: `(?:${node.source}|(?=${openSource(body)}))`, behind: true }
    }
    case 'group':
    case 'repeat':
      return { ...node, body: lenient(node.body) }
    case 'sequence':
      return { kind: 'sequence', items: node.items.map(lenient) }
    case 'choice':
      return { kind: 'choice', options: node.options.map(lenient) }
  }
}

/** The tree with an empty capture where the group begins. */
function marked(node: Node, number: number): Node {
  switch (node.kind) {
    case 'char':
    case 'assert':
      return node
    case 'group': {
      const group: Node = { ...node, body: marked(node.body, number) }
      const mark: Node = { kind: 'assert', source: '()', behind: true }
      return node.number === number ? { kind: 'sequence', items: [mark, group] } : group
    }
    case 'repeat':
      return { ...node, body: marked(node.body, number) }
    case 'sequence':
      return { kind: 'sequence', items: node.items.map((item) => marked(item, number)) }
    case 'choice':
      return { kind: 'choice', options: node.options.map((option) => marked(option, number)) }
  }
}

/** The longest a match gets with what its look-aheads read. */
function reading(node: Node): number {
  switch (node.kind) {
    case 'char':
      return 1
    case 'assert': {
      const body = aheadOf(node)
      return body !== undefined ? reading(body) : node.behind ? 0 : 1
    }
    case 'group':
      return reading(node.body)
    case 'sequence':
      return sum(node.items, reading)
    case 'choice':
      return Math.max(...node.options.map(reading))
    case 'repeat':
      return node.max === 0 ? 0 : longest(node.body) * (node.max - 1) + reading(node.body)
  }
}

function readBefore(node: Node): number {
  switch (node.kind) {
    case 'char':
      return 0
    case 'assert':
      if (!node.behind) return node.source.startsWith('(') ? 0 : 1
      return reading(parsePattern(node.source.replace(/^\(\?<[=!]|\)$/g, ''))) + 1
    case 'group':
    case 'repeat':
      return readBefore(node.body)
    case 'sequence':
      return Math.max(0, ...node.items.map(readBefore))
    case 'choice':
      return Math.max(...node.options.map(readBefore))
  }
}

function beforeGroup(node: Node, number: number): number {
  switch (node.kind) {
    case 'char':
    case 'assert':
      return -Infinity
    case 'group':
      return node.number === number ? 0 : beforeGroup(node.body, number)
    case 'choice':
      return Math.max(...node.options.map((option) => beforeGroup(option, number)))
    case 'sequence':
      return Math.max(...node.items.map((item, i) => sum(node.items.slice(0, i), longest) + beforeGroup(item, number)))
    case 'repeat':
      return longest(node.body) * (node.max - 1) + beforeGroup(node.body, number)
  }
}

function shortest(node: Node): number {
  switch (node.kind) {
    case 'char':
      return 1
    case 'assert':
      return 0
    case 'group':
      return shortest(node.body)
    case 'sequence':
      return sum(node.items, shortest)
    case 'choice':
      return Math.min(...node.options.map(shortest))
    case 'repeat':
      return shortest(node.body) * node.min
  }
}

function sum(nodes: readonly Node[], of: (node: Node) => number): number {
  return nodes.reduce((total, node) => total + of(node), 0)
}

const anyAhead = (): boolean => true
// What is repeated more often reaches the end of the text itself wherever such a look-ahead does.
const mostRepeats = 8
