import type { Media, Role, TextKind } from '../core/text.ts'
import type { JsonTree } from './json-scan.ts'
import { member, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'

/**
 * What a place in a body is, for every place below it. A dialect is described by shapes; `textsOf` walks a body along one. What
 * no shape names is text all the same, so that a new field of a vendor is inspected from its first day.
 */
export type Shape = {
  /** What a string here is, and, without `fields`, every string below. */
  readonly as: Meaning
  /** Members by name. Arrays are walked through: the shape of a field is also that of the elements of an array in it. */
  readonly fields?: ReadonlyMap<string, Shape>
  /** Members that `fields` does not name. Default: `anything`, or this shape itself (`same`) when it has no fields. */
  readonly others?: Shape | 'same'
  /** The shape by what the object holds, as its `type`; this shape where there is none. */
  readonly cases?: (tree: JsonTree, node: JsonNode) => Shape | undefined
  /** Who wrote what is here and below. */
  readonly role?: Role
  /** The member `role` says who wrote what is below. */
  readonly roles?: true
  /** The names of members are texts too. */
  readonly keys?: true
  /** In a stream: the string here is a piece of the growing text of this name, in the scope of the objects above. */
  readonly channel?: string
  /** In a stream: the texts below are complete in their event, not pieces of growing ones. */
  readonly whole?: true
  /** In a stream: the objects whose texts grow side by side, as `choice:0`. `position` is the index in the array, 0 outside one. */
  readonly scope?: (tree: JsonTree, node: JsonNode, position: number) => string
  /** What encoded bytes here are, where they do not show it. */
  readonly media?: Media
  /** Whether the texts in this object must not be edited. */
  readonly sealed?: (tree: JsonTree, node: JsonNode) => boolean
}

/**
 * Text of a kind, or: `structural` (ids, names of enumerations: a harmless word, or it is text; numbers are counts), `media` (encoded
 * bytes of an image, a recording, a file, or it is text), `opaque` (a vendor's own encoded bytes, or it is text), `document` (a JSON document in a string: tool arguments), `fragment` (a piece of one), `schema-type` (a type name of JSON
 * Schema, or it is text), `ignored` (nothing below is looked at: only for what repeats texts found elsewhere).
 */
export type Meaning = TextKind | 'structural' | 'opaque' | 'media' | 'document' | 'fragment' | 'schema-type' | 'ignored'

/** Any JSON: all strings are texts of kind `other`. */
export const anything: Shape = { as: 'other' }

export const structural: Shape = { as: 'structural' }
export const opaque: Shape = { as: 'opaque' }
/** The name of a tool: a model reads it. */
export const toolName: Shape = { as: 'tool-definition' }
/** Bytes of an image, a recording, a file. */
export function encodedMedia(media?: Media): Shape {
  return { as: 'media', media }
}
export const ignored: Shape = { as: 'ignored' }

/** Texts of one kind, wherever below. */
export function texts(as: TextKind, role?: Role): Shape {
  return role === undefined ? { as } : { as, role }
}

/** A piece of a growing text. */
export function piece(as: TextKind, channel: string, role?: Role): Shape {
  return { ...texts(as, role), channel }
}

/** A piece of the JSON document that a tool's arguments grow to; where a vendor sends an object instead, that. */
export function fragment(channel: string): Shape {
  return { as: 'fragment', role: 'assistant', channel, keys: true, others: toolArguments }
}

/** An object of a known form. */
export function object(fields: Fields, more: Omit<Partial<Shape>, 'fields'> = {}): Shape {
  return { as: 'other', ...more, fields: new Map(Object.entries(fields)) }
}

/** An object whose form is told by a member. */
export function either(name: string, of: Fields, otherwise: Shape = anything): Shape {
  const shapes = new Map(Object.entries(of))
  return { ...otherwise, cases: (tree, node) => shapes.get(stringOf(tree, member(tree, node, name)) ?? '') }
}

/** The same place, for an event that repeats what has grown. */
export function whole(shape: Shape): Shape {
  return { ...shape, whole: true }
}

/** What a model passes to a tool: any JSON, names included. */
export const toolArguments: Shape = { as: 'tool-arguments', keys: true, role: 'assistant' }

/** The same, as a JSON document in a string. */
export const argumentsDocument: Shape = { ...toolArguments, as: 'document', others: toolArguments }

export const toolResult: Shape = { as: 'tool-result', role: 'tool' }

const schemaFields = new Map<string, Shape>([['type', { as: 'schema-type' }]])

/** A JSON Schema: names of types say nothing, all else is text. */
export const schema: Shape = {
  as: 'tool-definition',
  fields: schemaFields,
  others: 'same',
}
// Below these, names are what people call things.
const called: Shape = { as: 'tool-definition', keys: true, fields: new Map(), others: schema }
for (const name of ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
  schemaFields.set(name, called)

export type Fields = Readonly<Record<string, Shape>>

/** The names that vendors use for a text that grows over the events of a stream, for events whose shape is not known. */
export const growingNames: ReadonlySet<string> = new Set(
  [
    'answer arguments body chunk code completion content delta generated_text input message output output_text partial_json',
    'reasoning reasoning_content response stringValue text thinking thought token transcript v value',
  ].flatMap((line) => line.split(' ')),
)
