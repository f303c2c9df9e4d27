import type { Place, Role, Spelling, TextKind, TextPart } from '../core/text.ts'
import { looksEncoded, isDataUri, isWord, plainName } from './encoded.ts'
import { maxJsonNodes, scanJson } from './json-scan.ts'
import type { JsonTree } from './json-scan.ts'
import { after, countOf, endOf, kindOf, member, startOf, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import type { StreamPart } from './provider.ts'
import { anything, growingNames, toolArguments } from './shape.ts'
import type { Meaning, Shape } from './shape.ts'
import { jsonOffsets } from './spelling.ts'

/** The texts of a body, in the order of the body. Empty ones are left out. */
export function textsOf(tree: JsonTree, shape: Shape, role: Role = 'unknown'): readonly TextPart[] {
  const parts: TextPart[] = []
  const add = (_: Walk, part: TextPart): void => void parts.push(part)
  walk(newWalk(tree, role, add), 0, shape, '', 0)
  return parts
}

/** The same for one event of a stream: each text with the growing text that it is a piece of, if the shape or its name says so. */
export function eventTextsOf(tree: JsonTree, shape: Shape): readonly StreamPart[] {
  const parts: StreamPart[] = []
  const add = (at: Walk, part: TextPart, shape: Shape): void => {
    const whole = at.whole || (shape.channel === undefined && !growingNames.has(at.key))
    const channel = joined(at.scope, (whole ? undefined : shape.channel) ?? part.path)
    parts.push({ ...part, channel, whole, fragment: shape.as === 'fragment' ? 'json' : 'text' })
  }
  walk(newWalk(tree, 'assistant', add), 0, shape, '', 0)
  return parts
}

/** Where the walk is, and what it has learnt on the way down. */
type Walk = {
  tree: JsonTree
  spelling: Spelling
  /** From an offset in the tree's text to one in the body; asked in ascending order. */
  offset: ((at: number) => number) | undefined
  role: Role
  scope: string
  sealed: boolean
  whole: boolean
  /** The name of the member the walk is in. */
  key: string
  /** Texts added so far. */
  count: number
  readonly add: (at: Walk, part: TextPart, shape: Shape) => void
}

function newWalk(tree: JsonTree, role: Role, add: Walk['add']): Walk {
  return {
    tree,
    spelling: oneJson,
    offset: undefined,
    role,
    scope: '',
    sealed: false,
    whole: false,
    key: '',
    count: 0,
    add,
  }
}

function walk(at: Walk, node: JsonNode, shape: Shape, path: string, position: number): void {
  if (shape.as === 'ignored') return
  const kind = kindOf(at.tree, node)
  if (kind === 'scalar') return
  const { role, scope, sealed, whole } = at
  if (shape.role !== undefined) at.role = shape.role
  if (shape.whole === true) at.whole = true
  if (kind === 'string') string(at, node, shape, path)
  else if (kind === 'array') array(at, node, shape, path)
  else inObject(at, node, shape, path, position)
  at.role = role
  at.scope = scope
  at.sealed = sealed
  at.whole = whole
}

function array(at: Walk, node: JsonNode, shape: Shape, path: string): void {
  const { tree } = at
  const end = after(tree, node)
  let index = 0
  for (let item = node + 1; item < end; item = after(tree, item)) {
    if (kindOf(tree, item) !== 'scalar') walk(at, item, shape, `${path}[${index}]`, index)
    index += countOf(tree, item)
  }
}

function inObject(at: Walk, node: JsonNode, given: Shape, path: string, position: number): void {
  const { tree } = at
  const shape = given.cases?.(tree, node) ?? given
  if (shape.role !== undefined) at.role = shape.role
  if (given.roles === true) at.role = roleNamed(stringOf(tree, member(tree, node, 'role'))) ?? at.role
  const scoped = shape.scope ?? given.scope
  if (scoped !== undefined) at.scope = joined(at.scope, scoped(tree, node, position))
  if (shape.sealed?.(tree, node) === true) at.sealed = true
  const others = othersOf(shape)
  const end = after(tree, node)
  let index = 0
  for (let key = node + 1; key < end; key = after(tree, key + 1)) {
    const name = stringOf(tree, key) as string
    const known = shape.fields?.get(name)
    const segment = known !== undefined || plainName(name) ? name : `{${index}}`
    const below = path === '' ? segment : `${path}.${segment}`
    if (shape.keys === true) addText(at, key, toolArguments, `${path}{${index}}`)
    at.key = name
    walk(at, key + 1, known ?? others, below, 0)
    index++
  }
}

/** The shape of members that are not named. `same` is without what holds for this one object alone. */
function othersOf(shape: Shape): Shape {
  const others = shape.others ?? (shape.fields === undefined ? 'same' : anything)
  if (others !== 'same') return others
  const alone = shape.scope ?? shape.cases ?? shape.sealed ?? shape.channel
  return alone === undefined ? shape : { as: shape.as, fields: shape.fields, others, keys: shape.keys }
}

function string(at: Walk, node: JsonNode, shape: Shape, path: string): void {
  const { text } = at.tree
  const start = startOf(at.tree, node)
  const end = endOf(at.tree, node)
  if (start === end) return
  if (shape.as === 'structural' && isWord(text, start, end)) return
  if (shape.as === 'opaque' && looksEncoded(text, start, end)) return
  if (shape.as === 'schema-type' && schemaTypes.has(text.slice(start, end).toLowerCase())) return
  if (isDataUri(text, start, end)) return
  if (shape.as === 'document' && document(at, node, shape, path)) return
  if (end - start >= blobLength && blobKinds.has(shape.as) && looksEncoded(text, start, end)) return
  addText(at, node, shape, path)
}

/** The texts of a JSON document in a string; false when it is none, or there would be too many. */
function document(at: Walk, node: JsonNode, shape: Shape, path: string): boolean {
  if (at.offset !== undefined) return false
  const outer = at.tree
  const inner = scanJson(stringOf(outer, node) as string)
  if (inner === undefined || kindOf(inner, 0) === 'scalar' || at.count + inner.size > maxJsonNodes) return false
  at.tree = inner
  at.spelling = twiceJson
  at.offset = jsonOffsets(outer.text, startOf(outer, node))
  walk(at, 0, { ...shape, as: 'tool-arguments' }, path, 0)
  at.tree = outer
  at.spelling = oneJson
  at.offset = undefined
  return true
}

function addText(at: Walk, node: JsonNode, shape: Shape, path: string): void {
  const text = stringOf(at.tree, node) as string
  if (text === '') return
  const start = startOf(at.tree, node)
  const end = endOf(at.tree, node)
  const place: Place =
    at.offset === undefined
      ? { start, end, spelling: at.spelling }
      : { start: at.offset(start), end: at.offset(end), spelling: at.spelling }
  const kind = kindMeant[shape.as]
  at.count++
  const part: TextPart = { text, place, role: at.role, kind, path }
  at.add(at, at.sealed ? { ...part, sealed: true } : part, shape)
}

function joined(scope: string, name: string): string {
  return scope === '' ? name : `${scope}:${name}`
}

function roleNamed(name: string | undefined): Role | undefined {
  return name === undefined ? undefined : (roles.get(name) ?? 'unknown')
}

const roles: ReadonlyMap<string, Role> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['model', 'assistant'],
  ['tool', 'tool'],
  ['function', 'tool'],
])

/** What a string is when it is no more than it seems: a structural place that holds a sentence is text. */
const kindMeant: Readonly<Record<Meaning, TextKind>> = {
  message: 'message',
  reasoning: 'reasoning',
  'tool-definition': 'tool-definition',
  'tool-arguments': 'tool-arguments',
  'tool-result': 'tool-result',
  'file-name': 'file-name',
  metadata: 'metadata',
  other: 'other',
  structural: 'other',
  opaque: 'other',
  document: 'tool-arguments',
  fragment: 'tool-arguments',
  'schema-type': 'tool-definition',
  ignored: 'other',
}

const oneJson: Spelling = ['json']
const twiceJson: Spelling = ['json', 'json']
const schemaTypes = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'])
const blobKinds: ReadonlySet<Meaning> = new Set<Meaning>(['tool-arguments', 'tool-result', 'other', 'structural'])
const blobLength = 4096
