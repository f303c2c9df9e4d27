import { isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, YAMLError } from 'yaml'
import type { z } from 'zod'
import { pathText, schemaProblems } from './schema-problems.ts'
import type { DocumentPath, SchemaProblem } from './schema-problems.ts'

/** A fault in a file that a person wrote. Lines and columns count from 1. The message never repeats a value. */
export type Problem = {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `rules[0].when.host`; empty for the document itself. */
  readonly path: string
  readonly message: string
  readonly hint?: string
}

export type Position = { readonly line: number; readonly column: number }

/** A document as plain values, and where each stands in its file. An empty file is an empty mapping. */
export type YamlDocument = {
  readonly file: string
  readonly raw: unknown
  readonly positionOf: (path: DocumentPath) => Position | undefined
  /** Where the key of an entry stands. */
  readonly keyPositionOf: (path: DocumentPath) => Position | undefined
}

export type Parsed<T> = {
  readonly value: T
  readonly positionOf: YamlDocument['positionOf']
  readonly document: YamlDocument
}

export type Problems = { readonly problems: readonly Problem[] }

/** Reads YAML text and checks it: a value of the schema's type, or every problem with its place. */
export function parseYaml<S extends z.ZodType>(text: string, file: string, schema: S): Parsed<z.output<S>> | Problems {
  const document = readYaml(text, file)
  if ('problems' in document) return document
  const checked = validateYaml(document, schema)
  return 'problems' in checked ? checked : { value: checked.value, positionOf: document.positionOf, document }
}

/** Reads YAML 1.2 text without a schema: no tags but the core ones, no duplicate keys, few aliases, one document. */
export function readYaml(text: string, file: string): YamlDocument | Problems {
  const lines = new LineCounter()
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const refuse = (offset: number, message: string, hint?: string): Problems => ({
    problems: [{ file, ...at(offset), path: '', message, hint }],
  })
  if (text.length > MAX_CHARACTERS) return refuse(0, `the file is larger than ${MAX_CHARACTERS} characters`)
  try {
    const tree = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: true,
      resolveKnownTags: false,
    })
    const faults = tellingOnes([...tree.errors, ...tree.warnings])
    if (faults.length > 0) return { problems: faults.map((fault) => syntaxProblem(fault, file, at)) }
    const node = forbiddenNode(tree)
    if (node !== undefined) return refuse(node.offset, node.message, node.hint)
    const raw: unknown = tree.contents === null ? {} : tree.toJS({ maxAliasCount: MAX_ALIASES })
    return { file, raw: raw ?? {}, ...positionsIn(tree, at) }
  } catch (error) {
    if (error instanceof RangeError) return refuse(0, 'the document is nested too deeply')
    if (error instanceof ReferenceError) return refuse(0, 'the document has too many aliases')
    throw error
  }
}

/**
 * Checks a document, or the part of it at `at`, against a schema. `value` replaces what the file says, for those who
 * change it first (environment variables put in); its places are still those of the file.
 */
export function validateYaml<S extends z.ZodType>(
  document: YamlDocument,
  schema: S,
  part: { at?: DocumentPath; value?: unknown } = {},
): { readonly value: z.output<S> } | Problems {
  const base = part.at ?? []
  const input = 'value' in part ? part.value : valueAt(document.raw, base)
  const result = schema.safeParse(input)
  if (result.success) return { value: result.data }
  return {
    problems: schemaProblems(schema, input, result.error).map((problem) => placed(document, base, problem)),
  }
}

/** A problem of your own about the entry at `path`, with its place. */
export function problemAt(document: YamlDocument, path: DocumentPath, message: string, hint?: string): Problem {
  return { file: document.file, ...nearestPosition(document, path), path: pathText(path), message, hint }
}

/** `file:line:column: message (hint)`. */
export function formatProblem(problem: Problem): string {
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}${hint}`
}

function placed(document: YamlDocument, base: DocumentPath, problem: SchemaProblem): Problem {
  const path = [...base, ...problem.path]
  const at = (problem.about === 'key' ? document.keyPositionOf(path) : undefined) ?? nearestPosition(document, path)
  return { file: document.file, ...at, path: pathText(path), message: problem.message, hint: problem.hint }
}

/** Of what is missing, the place of what it is missing from. */
function nearestPosition(document: YamlDocument, path: DocumentPath): Position {
  for (let length = path.length; length >= 0; length--) {
    const position = document.positionOf(path.slice(0, length))
    if (position !== undefined) return position
  }
  return { line: 1, column: 1 }
}

function positionsIn(
  tree: Document.Parsed,
  at: (offset: number) => Position,
): Pick<YamlDocument, 'positionOf' | 'keyPositionOf'> {
  const startOf = (node: unknown): Position | undefined => {
    const range = (node as Node | null | undefined)?.range
    return range ? at(range[0]) : undefined
  }
  const keyOf = (path: DocumentPath): unknown => {
    const parent = path.length === 1 ? tree.contents : tree.getIn(path.slice(0, -1), true)
    const last = path.at(-1)
    if (!isMap(parent)) return undefined
    return parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === last)?.key
  }
  return {
    positionOf: (path) => startOf(path.length === 0 ? tree.contents : tree.getIn(path, true)),
    keyPositionOf: (path) => startOf(keyOf(path)),
  }
}

type Forbidden = { readonly offset: number; readonly message: string; readonly hint?: string }

function forbiddenNode(tree: Document.Parsed): Forbidden | undefined {
  let found: Forbidden | undefined
  visit(tree, {
    Pair: (_, pair) => {
      const key: unknown = pair.key
      const offset = (key as Node | null)?.range?.[0] ?? 0
      if (!isScalar(key)) found = { offset, message: 'a key must be plain text' }
      else if (key.value === '__proto__') found = { offset, message: 'the key __proto__ is not allowed' }
      return found === undefined ? undefined : visit.BREAK
    },
    Alias: (_, alias) => {
      if (alias.resolve(tree) !== undefined) return undefined
      found = { offset: alias.range?.[0] ?? 0, message: wordings.BAD_ALIAS ?? '', hint: hints.BAD_ALIAS }
      return visit.BREAK
    },
  })
  return found
}

/** After the first fault of syntax the parser guesses, and what it says then misleads; duplicate keys do not disturb it. */
function tellingOnes(faults: readonly YAMLError[]): YAMLError[] {
  const first = faults.findIndex((fault) => fault.code !== 'DUPLICATE_KEY')
  return faults.slice(0, Math.min(first === -1 ? faults.length : first + 1, MAX_FAULTS))
}

function syntaxProblem(fault: YAMLError, file: string, at: (offset: number) => Position): Problem {
  const said = fault.message.startsWith('Maximum call stack') ? 'The document is nested too deeply' : fault.message
  const message = wordings[fault.code] ?? said.charAt(0).toLowerCase() + said.slice(1)
  return { file, ...at(fault.pos[0]), path: '', message, hint: hints[fault.code] }
}

function valueAt(raw: unknown, path: DocumentPath): unknown {
  let value = raw
  for (const step of path) value = (value as Record<string | number, unknown> | undefined)?.[step]
  return value
}

// The parser's own words for these quote the text, which may be a secret.
const wordings: Partial<Record<YAMLError['code'], string>> = {
  UNEXPECTED_TOKEN: 'unexpected text here',
  IMPOSSIBLE: 'this cannot be read',
  BAD_ALIAS: 'an alias that names no anchor',
  BAD_DQ_ESCAPE: 'an invalid escape in a double-quoted text',
  DUPLICATE_KEY: 'this key is already there',
  MULTIPLE_DOCS: 'only one document is allowed in a file',
  TAG_RESOLVE_FAILED: 'this tag is not allowed',
}

const hints: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'a value that begins with * must be quoted',
  BAD_SCALAR_START: 'put the value in quotes',
  BAD_DQ_ESCAPE: 'single quotes take a backslash as it is',
  TAB_AS_INDENT: 'indent with spaces',
}

const MAX_CHARACTERS = 4_194_304
const MAX_ALIASES = 100
const MAX_FAULTS = 20
