import type { z } from 'zod'
import { configSchema } from './schema.ts'

/** One key that can be set as a whole: `proxy.listen`. Its value may be a list or a map. */
export type Setting = {
  readonly key: string
  readonly path: readonly string[]
  readonly schema: z.ZodType
}

/** Every setting, in the order of the schema. */
export function settings(): Setting[] {
  return settingsIn(configSchema, [])
}

/** The maps that hold settings, as `proxy` and `audit.bodies`. */
export function sections(): (readonly string[])[] {
  return sectionsIn(configSchema, [])
}

/** What the schema says of a value beside its type. */
type Note = { readonly secret: boolean; readonly path: boolean }

type Visit = (value: unknown, note: Note, path: readonly (string | number)[]) => unknown

/** A copy of a valid value in which each scalar is what `visit` makes of it. Addresses count as scalars. */
export function mapValues(
  schema: z.ZodType,
  value: unknown,
  visit: Visit,
  path: readonly (string | number)[],
): unknown {
  const note = { secret: false, path: false }
  const inner = innermost(schema, value, note)
  const { shape, element, valueType } = definitionOf(inner)
  if (element !== undefined && Array.isArray(value)) {
    return value.map((entry, index) => mapValues(element, entry, visit, [...path, index]))
  }
  if ((shape === undefined && valueType === undefined) || typeof value !== 'object' || value === null) {
    return visit(value, note, path)
  }
  const entries = Object.entries(value).map(([key, entry]) => {
    const part = shape?.[key] ?? valueType
    return [key, part === undefined ? entry : mapValues(part, entry, visit, [...path, key])]
  })
  return Object.fromEntries(entries)
}

export type Kind = 'string' | 'number' | 'boolean' | 'null' | 'list' | 'map' | 'list of maps'

/** What a value for the schema may be written as. */
export function kindsOf(schema: z.ZodType): Set<Kind> {
  const { type, innerType, in: input, options, element } = definitionOf(schema)
  if (type === 'nullable' && innerType !== undefined) return new Set([...kindsOf(innerType), 'null'])
  if (innerType !== undefined) return kindsOf(innerType)
  if (input !== undefined) return kindsOf(input)
  if (options !== undefined) return new Set(options.flatMap((option) => [...kindsOf(option)]))
  if (element !== undefined) return new Set([kindsOf(element).has('map') ? 'list of maps' : 'list'])
  const kinds: Record<string, Kind> = {
    string: 'string',
    number: 'number',
    boolean: 'boolean',
    object: 'map',
    record: 'map',
  }
  const kind = kinds[type]
  return new Set(kind === undefined ? [] : [kind])
}

/** The schema of the setting, or of the entry in it, at `path`; undefined when the schema knows none. */
export function schemaAt(path: readonly (string | number)[], root: unknown): z.ZodType | undefined {
  let schema: z.ZodType = configSchema
  let value = root
  for (const step of path) {
    const { shape, element, valueType } = definitionOf(innermost(schema, value, { secret: false, path: false }))
    const next =
      typeof step === 'number' ? element : shape !== undefined && Object.hasOwn(shape, step) ? shape[step] : valueType
    if (next === undefined) return undefined
    schema = next
    value = (value as Record<string | number, unknown>)[step]
  }
  return schema
}

// The parts of zod's definitions that are looked at.
type Definition = {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly discriminator?: string
}

const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition

function settingsIn(schema: z.ZodType, path: readonly string[]): Setting[] {
  return Object.entries(sectionShape(schema) ?? {}).flatMap(([name, part]) => {
    const here = [...path, name]
    if (sectionShape(part) !== undefined) return settingsIn(part, here)
    return [{ key: here.join('.'), path: here, schema: part }]
  })
}

function sectionsIn(schema: z.ZodType, path: readonly string[]): (readonly string[])[] {
  return Object.entries(sectionShape(schema) ?? {}).flatMap(([name, part]) =>
    sectionShape(part) === undefined ? [] : [[...path, name], ...sectionsIn(part, [...path, name])],
  )
}

function sectionShape(schema: z.ZodType): Definition['shape'] {
  const { type, innerType, shape } = definitionOf(schema)
  if (type === 'nullable') return undefined
  return innerType === undefined ? shape : sectionShape(innerType)
}

function innermost(schema: z.ZodType, value: unknown, note: { secret: boolean; path: boolean }): z.ZodType {
  const meta = schema.meta()
  if (meta?.writeOnly === true) note.secret = true
  if (meta?.format === 'path') note.path = true
  const definition = definitionOf(schema)
  const next = definition.innerType ?? definition.in ?? optionFor(definition, value)
  return next === undefined ? schema : innermost(next, value, note)
}

function optionFor({ options, discriminator }: Definition, value: unknown): z.ZodType | undefined {
  if (options === undefined) return undefined
  if (discriminator !== undefined) {
    const chosen = (value as Record<string, unknown> | null)?.[discriminator]
    return options.find((option) => definitionOf(option).shape?.[discriminator]?.safeParse(chosen).success)
  }
  return options.find((option) => Array.isArray(value) === (definitionOf(option).element !== undefined))
}
