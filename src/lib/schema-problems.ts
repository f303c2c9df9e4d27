import type { z } from 'zod'
import { nearest } from './nearest.ts'

/** A place in a document: keys and indexes from the root. */
export type DocumentPath = readonly (string | number)[]

/** One thing that a schema does not accept. `about` says which end of an entry is at fault: the key or the value. No message repeats a value. */
export type SchemaProblem = {
  readonly path: DocumentPath
  readonly about: 'key' | 'value'
  readonly message: string
  readonly hint?: string
}

/** What a failed parse of `input` by `schema` has to say: unknown keys with the nearest known one, wrong types with what is allowed. */
export function schemaProblems(schema: z.ZodType, input: unknown, error: z.ZodError): SchemaProblem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, issue.path.filter(isStep), schema, input))
}

/** `rules[0].when.host`, as people write it. */
export function pathText(path: DocumentPath): string {
  let text = ''
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`
  return text
}

type Issue = z.core.$ZodIssue

function problemsOf(issue: Issue, path: DocumentPath, schema: z.ZodType, input: unknown): SchemaProblem[] {
  const value = valueAt(input, path)
  const absent = value === undefined && path.length > 0
  if (absent && ABOUT_ABSENCE.has(issue.code)) {
    const hint = `expected ${orList([...new Set(expectations(issue))])}`
    return [{ path, about: 'value', message: `${named(path)} is missing`, hint }]
  }
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schema, path)
      return issue.keys.map((key) => unknownKey(path, key, known))
    }
    case 'invalid_type':
      return [wrongType(path, issue.expected, value, schema)]
    case 'invalid_value':
      return [notAllowed(path, issue.values, value)]
    case 'invalid_union':
      return unionProblems(issue, path, schema, input)
    case 'invalid_key':
      return [{ path, about: 'key', message: `${named(path)} is not a valid key here` }]
    case 'too_small':
      return [{ path, about: 'value', message: `${named(path)} ${bound('least', issue.minimum, issue)}` }]
    case 'too_big':
      return [{ path, about: 'value', message: `${named(path)} ${bound('most', issue.maximum, issue)}` }]
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'custom':
      return [{ path, about: 'value', message: `${named(path)}: ${lowerFirst(issue.message)}` }]
  }
}

function unknownKey(path: DocumentPath, key: string, known: readonly string[]): SchemaProblem {
  const close = nearest(key, known)
  const where = path.length === 0 ? '' : ` in ${pathText(path)}`
  const hint =
    close !== undefined ? `did you mean ${close}?` : known.length > 0 ? `known keys: ${known.join(', ')}` : undefined
  return { path: [...path, key], about: 'key', message: `unknown key ${key}${where}`, hint }
}

function wrongType(path: DocumentPath, expected: string, value: unknown, schema: z.ZodType): SchemaProblem {
  if (expected === 'int' && typeof value === 'number') {
    return { path, about: 'value', message: `${named(path)} must be ${article(expected)}` }
  }
  const known = expected === 'object' ? knownKeys(schema, path) : []
  const hint = known.length > 0 ? `keys: ${known.join(', ')}` : undefined
  return { path, about: 'value', message: `${named(path)} must be ${article(expected)}, not ${kindOf(value)}`, hint }
}

function bound(word: 'least' | 'most', limit: number | bigint, about: { origin: string; inclusive?: boolean }): string {
  const counted = { string: 'characters', array: 'entries', set: 'entries', object: 'entries' }[about.origin]
  if (counted !== undefined) {
    return word === 'least' && limit === 1 ? 'must not be empty' : `must have at ${word} ${limit} ${counted}`
  }
  if (about.inclusive === false) return `must be ${word === 'least' ? 'more' : 'less'} than ${limit}`
  return `must be at ${word} ${limit}`
}

function notAllowed(path: DocumentPath, allowed: readonly unknown[], value: unknown): SchemaProblem {
  const words = allowed.map((one) => String(one))
  const close = typeof value === 'string' ? nearest(value, words) : undefined
  const hint = close === undefined ? undefined : `did you mean ${close}?`
  return { path, about: 'value', message: `${named(path)} must be ${orList(words)}`, hint }
}

/** Of a union, the branch that was meant is the one whose outermost type fits; when none does, all that is allowed is named. */
function unionProblems(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: DocumentPath,
  schema: z.ZodType,
  input: unknown,
): SchemaProblem[] {
  const branches = issue.errors.filter((issues) => issues.length > 0)
  const meant = branches
    .filter((issues) => !issues.some(isAtRoot))
    .sort((a, b) => a.length - b.length)
    .at(0)
  if (meant !== undefined) {
    return meant.flatMap((inner) => problemsOf(inner, [...path, ...inner.path.filter(isStep)], schema, input))
  }
  const allowed = [...new Set(branches.flatMap((issues) => issues.flatMap(expectations)))]
  if (allowed.length === 0) return [{ path, about: 'value', message: `${named(path)}: ${lowerFirst(issue.message)}` }]
  const value = valueAt(input, path)
  const close = typeof value === 'string' ? nearest(value, allowed) : undefined
  const hint = close === undefined ? undefined : `did you mean ${close}?`
  return [{ path, about: 'value', message: `${named(path)} must be ${orList(allowed)}`, hint }]
}

const isAtRoot = (issue: Issue): boolean =>
  issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')

function expectations(issue: Issue): string[] {
  if (issue.code === 'invalid_type') return [article(issue.expected)]
  if (issue.code === 'invalid_value') return issue.values.map((value) => String(value))
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(expectations)
  return []
}

type Definition = {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly items?: readonly z.ZodType[]
  readonly valueType?: z.ZodType
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly in?: z.ZodType
  readonly left?: z.ZodType
  readonly right?: z.ZodType
  readonly getter?: () => z.ZodType
}

/** The keys that the schema knows for the object at `path`; of a union, those of all its branches. */
function knownKeys(schema: z.ZodType, path: DocumentPath): string[] {
  let layer = unwrapped(schema)
  for (const step of path) layer = layer.flatMap((definition) => unwrappedStep(definition, step))
  return [...new Set(layer.flatMap((definition) => Object.keys(definition.shape ?? {})))]
}

function unwrappedStep(definition: Definition, step: string | number): Definition[] {
  const next =
    typeof step === 'number'
      ? (definition.element ?? definition.items?.[step])
      : (definition.shape?.[step] ?? definition.valueType)
  return next === undefined ? [] : unwrapped(next)
}

function unwrapped(schema: z.ZodType): Definition[] {
  const definition = schema.def as unknown as Definition
  if (definition.options !== undefined) return definition.options.flatMap(unwrapped)
  if (definition.left !== undefined && definition.right !== undefined) {
    return [...unwrapped(definition.left), ...unwrapped(definition.right)]
  }
  // A transform stands before what it feeds (preprocess) or after what it reads: the other side has the shape.
  if (definition.in !== undefined) {
    const out = (definition as { out?: z.ZodType }).out
    return [definition.in, ...(out === undefined ? [] : [out])].flatMap(unwrapped)
  }
  const inner = definition.innerType ?? definition.getter?.()
  return inner === undefined ? [definition] : unwrapped(inner)
}

function valueAt(input: unknown, path: DocumentPath): unknown {
  let value = input
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined
  }
  return value
}

const isStep = (step: PropertyKey): step is string | number => typeof step !== 'symbol'

const named = (path: DocumentPath): string => (path.length === 0 ? 'this' : pathText(path))

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a mapping' : article(typeof value)
}

function article(expected: string): string {
  const words: Record<string, string> = {
    array: 'a list',
    tuple: 'a list',
    object: 'a mapping',
    record: 'a mapping',
    string: 'a string',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    null: 'null',
    undefined: 'nothing',
  }
  return words[expected] ?? expected
}

function orList(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

const ABOUT_ABSENCE: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union'])
