import type { Media, Place, Role, Spelling, TextKind, TextPart } from '../core/text.ts'
import { dataUriContent, looksEncoded, plainName } from './encoded.ts'
import { isHarmless } from './harmless.ts'
import { maxJsonNodes, scanJson } from './json-scan.ts'
import type { JsonTree } from './json-scan.ts'
import { after, countOf, endOf, isTellingNumber, kindOf, member, none, startOf, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { mediaOf, typeInUri } from './media.ts'
import type { StreamPart } from './provider.ts'
import { anything, growingNames, toolArguments } from './shape.ts'
import type { Meaning, Shape } from './shape.ts'
import { base64Text, wholeNumber } from './recoded.ts'
import { jsonOffsets } from './spelling.ts'

/** The texts of a body, in the order of the body. Empty ones are left out. What cannot be read is added to `unread`. */
export function textsOf(
  tree: JsonTree,
  shape: Shape,
  role: Role = 'unknown',
  unread: Set<Media> = new Set(),
): readonly TextPart[] {
  const parts: TextPart[] = []
  const add = (_: Walk, part: TextPart): void => void parts.push(part)
  walk(newWalk(tree, role, add, unread, false), 0, shape, '', 0)
  return parts
}

/** The same for one event of a stream: each text with the growing text that it is a piece of, if the shape or its name says so. */
export function eventTextsOf(tree: JsonTree, shape: Shape, unread: Set<Media> = new Set()): readonly StreamPart[] {
  const parts: StreamPart[] = []
  const add = (at: Walk, part: TextPart, shape: Shape): void => {
    const whole = at.whole || (shape.channel === undefined && !growingNames.has(at.key))
    const channel = joined(at.scope, (whole ? undefined : shape.channel) ?? part.path)
    parts.push({ ...part, channel, whole, fragment: shape.as === 'fragment' ? 'json' : 'text' })
  }
  walk(newWalk(tree, 'assistant', add, unread, true), 0, shape, '', 0)
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
  /** The object the walk is in. */
  object: JsonNode
  /** Texts added so far. */
  count: number
  /** One past the string in the body that the tree's document stands in. */
  documentEnd: number
  readonly inEvent: boolean
  readonly unread: Set<Media>
  readonly add: (at: Walk, part: TextPart, shape: Shape) => void
}

function newWalk(tree: JsonTree, role: Role, add: Walk['add'], unread: Set<Media>, inEvent: boolean): Walk {
  return {
    tree,
    spelling: oneJson,
    offset: undefined,
    role,
    scope: '',
    sealed: false,
    whole: false,
    key: '',
    object: none,
    count: 0,
    documentEnd: 0,
    inEvent,
    unread,
    add,
  }
}

function walk(at: Walk, node: JsonNode, shape: Shape, path: string, position: number): void {
  if (shape.as === 'ignored') return
  const kind = kindOf(at.tree, node)
  if (kind === 'scalar') {
    if (isTellingNumber(at.tree, node) && !wordless.has(shape.as)) number(at, node, shape, path)
    return
  }
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
    if (kindOf(tree, item) !== 'scalar' || isTellingNumber(tree, item))
      walk(at, item, shape, `${path}[${index}]`, index)
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
  const bounds = at.offset === undefined ? undefined : { start: at.offset(startOf(tree, node)), end: at.documentEnd }
  const end = after(tree, node)
  let index = 0
  for (let key = node + 1; key < end; key = after(tree, key + 1)) {
    const name = stringOf(tree, key) as string
    const known = shape.fields?.get(name)
    const segment = known !== undefined || plainName(name) ? name : `{${index}}`
    const below = path === '' ? segment : `${path}.${segment}`
    if (shape.keys === true || (known === undefined && isText(at, key, name, shape))) {
      at.key = ''
      const object = bounds ?? { start: startOf(tree, node), end: endOf(tree, node) }
      addText(
        at,
        key,
        shape.keys === true && shape.as !== 'tool-definition' ? toolArguments : others,
        `${path}{${index}}`,
        { object },
      )
    }
    at.key = name
    at.object = node
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

/** Whether the name of a member that no shape names may say something: where people choose the names, or it is no plain name. */
function isText({ tree, inEvent }: Walk, key: JsonNode, name: string, shape: Shape): boolean {
  const plain = plainName(name)
  if (wordless.has(shape.as)) return !plain && !isHarmless(tree.text, startOf(tree, key), endOf(tree, key))
  return plain ? shape.as === 'metadata' && name.length >= shortestName && !inEvent : name !== ''
}

function string(at: Walk, node: JsonNode, shape: Shape, path: string): void {
  const { text } = at.tree
  const { as } = shape
  const start = startOf(at.tree, node)
  const end = endOf(at.tree, node)
  if (start === end) return
  if (as === 'structural' && isHarmless(text, start, end)) return
  if (as === 'schema-type' && schemaTypes.has(text.slice(start, end).toLowerCase())) return
  if (as === 'document' && document(at, node, shape, path)) return
  const content = dataUriContent(text, start, end)
  if (content > 0) return encoded(at, { start: content, end }, shape, path, typeInUri(text.slice(start, content)))
  const mayBeBytes = as === 'opaque' || as === 'media' || (end - start >= blobLength && blobKinds.has(as))
  if (mayBeBytes && looksEncoded(text, start, end))
    return encoded(at, { start, end }, shape, path, saidBeside(at) ?? shape.media ?? '')
  addText(at, node, shape, path)
}

/** Base64: a text that is spelled so, or media that cannot be read. */
function encoded(at: Walk, span: { start: number; end: number }, shape: Shape, path: string, said: string): void {
  const slice = at.tree.text.slice(span.start, span.end)
  const raw = slice.includes('\\') ? slice.replaceAll('\\n', '').replaceAll('\\', '') : slice
  const text = base64Text(raw)
  if (text === undefined) {
    if (shape.as !== 'opaque') at.unread.add(mediaOf(raw, said))
    return
  }
  addWhole(
    at,
    text,
    { ...span, spelling: at.spelling === oneJson ? inBase64 : [...at.spelling, 'base64'] },
    shape,
    path,
  )
}

/** The media type that stands beside encoded bytes. */
function saidBeside({ tree, object }: Walk): string | undefined {
  for (const name of ['media_type', 'mimeType', 'mime_type', 'format']) {
    const said = stringOf(tree, member(tree, object, name))
    if (said !== undefined) return said
  }
  return undefined
}

function number(at: Walk, node: JsonNode, shape: Shape, path: string): void {
  const start = startOf(at.tree, node)
  const end = endOf(at.tree, node)
  const text = wholeNumber(at.tree.text.slice(start, end))
  // An edit writes a string: quotes of its own, escaped where the document stands in a string.
  const spelling = at.offset === undefined ? asNumber : numberInside
  if (text !== undefined) addWhole(at, text, { start, end, spelling }, shape, path)
}

/** A text that is no piece of a growing one. */
function addWhole(at: Walk, text: string, place: Place, shape: Shape, path: string): void {
  const { whole } = at
  at.whole = true
  add(at, text, place, shape, path)
  at.whole = whole
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
  at.documentEnd = endOf(outer, node)
  walk(at, 0, { ...shape, as: 'tool-arguments' }, path, 0)
  at.tree = outer
  at.spelling = oneJson
  at.offset = undefined
  return true
}

function addText(at: Walk, node: JsonNode, shape: Shape, path: string, more?: Pick<Place, 'object'>): void {
  const text = stringOf(at.tree, node) as string
  const place = { start: startOf(at.tree, node), end: endOf(at.tree, node), spelling: at.spelling }
  add(at, text, more === undefined ? place : { ...place, ...more }, shape, path)
}

/** `given` is in the tree's text. */
function add(at: Walk, text: string, given: Place, shape: Shape, path: string): void {
  if (text === '') return
  const { offset } = at
  const place = offset === undefined ? given : { ...given, start: offset(given.start), end: offset(given.end) }
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
  media: 'other',
  document: 'tool-arguments',
  fragment: 'tool-arguments',
  'schema-type': 'tool-definition',
  ignored: 'other',
}

const oneJson: Spelling = ['json']
const twiceJson: Spelling = ['json', 'json']
const inBase64: Spelling = ['json', 'base64']
const asNumber: Spelling = ['number']
const numberInside: Spelling = ['json', 'number']
const wordless: ReadonlySet<Meaning> = new Set<Meaning>(['structural', 'opaque', 'schema-type'])
const shortestName = 6
const schemaTypes = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'])
const blobKinds: ReadonlySet<Meaning> = new Set<Meaning>(['tool-arguments', 'tool-result', 'other', 'structural'])
const blobLength = 4096
