import type { JsonTree } from './json-scan.ts'

/** The number of a node in its tree; `none` where there is none, which every function here takes for an answer. */
export type JsonNode = number

export const none: JsonNode = -1
export const root: JsonNode = 0

export type JsonKind = 'object' | 'array' | 'string' | 'scalar' | 'none'

export function kindOf(tree: JsonTree, node: JsonNode): JsonKind {
  if (node < 0) return 'none'
  const code = tree.text.charCodeAt(tree.nodes[node * 3] as number)
  if (code === 34) return 'string'
  if (code === 123) return 'object'
  return code === 91 ? 'array' : 'scalar'
}

/** Where the node's text stands: of a string, without its quotes. */
export function startOf(tree: JsonTree, node: JsonNode): number {
  const start = tree.nodes[node * 3] as number
  return tree.text.charCodeAt(start) === 34 ? start + 1 : start
}

export function endOf(tree: JsonTree, node: JsonNode): number {
  const end = tree.nodes[node * 3 + 1] as number
  return tree.text.charCodeAt(tree.nodes[node * 3] as number) === 34 ? end - 1 : end
}

export function isEscaped(tree: JsonTree, node: JsonNode): boolean {
  return tree.nodes[node * 3 + 2] === 1 && kindOf(tree, node) === 'string'
}

/**
 * The node after this one and all below it: `for (let key = node + 1; key < after(tree, node); key = after(tree, key + 1))` goes
 * over the members of an object (value is key + 1), `for (let item = node + 1; …; item = after(tree, item))` over an array.
 */
export function after(tree: JsonTree, node: JsonNode): JsonNode {
  const code = tree.text.charCodeAt(tree.nodes[node * 3] as number)
  return code === 123 || code === 91 ? (tree.nodes[node * 3 + 2] as number) : node + 1
}

/** How many elements of an array an item node stands for: more than one for a run of scalars. */
export function countOf(tree: JsonTree, item: JsonNode): number {
  return kindOf(tree, item) === 'scalar' ? Math.max(1, tree.nodes[item * 3 + 2] as number) : 1
}

/** Whether it is a number of so many digits that it may be somebody's. */
export function isTellingNumber(tree: JsonTree, node: JsonNode): boolean {
  return tree.nodes[node * 3 + 2] === -1
}

/** The value at a path of member names. Of members with the same name the last counts, as for JSON.parse. */
export function member(tree: JsonTree, node: JsonNode, ...names: readonly string[]): JsonNode {
  let at = node
  for (const name of names) at = memberNamed(tree, at, name)
  return at
}

/** The nodes of an array's elements (a run of scalars is one); empty for anything else. */
export function items(tree: JsonTree, node: JsonNode): JsonNode[] {
  const found: JsonNode[] = []
  if (kindOf(tree, node) !== 'array') return found
  const end = after(tree, node)
  for (let item = node + 1; item < end; item = after(tree, item)) found.push(item)
  return found
}

/** How many elements an array has, without making a list of them. */
export function lengthOf(tree: JsonTree, node: JsonNode): number {
  if (kindOf(tree, node) !== 'array') return 0
  let length = 0
  const end = after(tree, node)
  for (let item = node + 1; item < end; item = after(tree, item)) length += countOf(tree, item)
  return length
}

/** The string, decoded; lone surrogates stay as they are. Undefined when the node is no string. */
export function stringOf(tree: JsonTree, node: JsonNode): string | undefined {
  if (kindOf(tree, node) !== 'string') return undefined
  const start = tree.nodes[node * 3] as number
  const end = tree.nodes[node * 3 + 1] as number
  // The scanner has checked this one string literal: parsing it costs its own length.
  if (tree.nodes[node * 3 + 2] === 1)
    return tree.decoded.get(node) ?? (JSON.parse(tree.text.slice(start, end)) as string)
  return tree.text.slice(start + 1, end - 1)
}

export function numberOf(tree: JsonTree, node: JsonNode): number | undefined {
  if (kindOf(tree, node) !== 'scalar') return undefined
  const number = Number(tree.text.slice(tree.nodes[node * 3], tree.nodes[node * 3 + 1]))
  return Number.isNaN(number) ? undefined : number
}

export function isTrue(tree: JsonTree, node: JsonNode): boolean {
  return kindOf(tree, node) === 'scalar' && tree.text.startsWith('true', tree.nodes[node * 3])
}

function memberNamed(tree: JsonTree, node: JsonNode, name: string): JsonNode {
  if (kindOf(tree, node) !== 'object') return none
  let found = none
  const end = after(tree, node)
  for (let key = node + 1; key < end; key = after(tree, key + 1)) if (isNamed(tree, key, name)) found = key + 1
  return found
}

function isNamed(tree: JsonTree, key: JsonNode, name: string): boolean {
  const { text, nodes } = tree
  if (nodes[key * 3 + 2] === 1) return stringOf(tree, key) === name
  const start = (nodes[key * 3] as number) + 1
  return (nodes[key * 3 + 1] as number) - 1 - start === name.length && text.startsWith(name, start)
}
