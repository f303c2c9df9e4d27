import { pathText } from '../lib/schema-problems.ts'
import type { DocumentPath } from '../lib/schema-problems.ts'
import type { YamlDocument } from '../lib/yaml-strict.ts'
import { nearest } from '../lib/nearest.ts'
import { readEnvironment, scalarValue, textValue } from './environment.ts'
import { interpolate } from './interpolate.ts'
import type { ConfigProblem, Origin } from './problems.ts'
import { schemaAt, sections, settings } from './settings.ts'
import type { Setting } from './settings.ts'

type Values = Record<string, unknown>

export type Layers = {
  /** What file, environment and flags say together, not yet checked. */
  readonly value: Values
  readonly origins: Map<string, Origin>
  readonly interpolated: readonly string[]
  readonly problems: readonly ConfigProblem[]
}

/** Lays the environment over the file, and the flags over both. */
export function layered(
  tree: YamlDocument,
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Values>,
): Layers {
  const filled = interpolate(tree, env)
  const value = withoutEmptySections(filled.value)
  for (const path of filled.touched) coerce(value, path)
  const origins = new Map<string, Origin>(
    settings().map(({ key, path }) => [key, isSet(value, path) ? fileOrigin(tree, path) : { kind: 'default' }]),
  )
  const environment = readEnvironment(env)
  const problems: ConfigProblem[] = [
    ...filled.problems.map(({ file, line, column, path, message, hint }) => ({
      at: { kind: 'file' as const, file, line, column },
      key: path,
      message,
      hint,
    })),
    ...environment.problems.map(({ name, message, hint }) => ({
      at: { kind: 'environment' as const, name },
      key: '',
      message,
      hint,
    })),
  ]
  for (const { name, setting, value: set } of environment.values) {
    put(value, setting.path, set)
    origins.set(setting.key, { kind: 'environment', name })
  }
  problems.push(...putFlags(value, origins, flags))
  const interpolated = filled.touched.filter((path) => originOf(origins, path)?.kind === 'file').map(pathText)
  return { value, origins, interpolated, problems }
}

/** The origin of the setting that the value at `path` is, or is in. */
export function originOf(origins: ReadonlyMap<string, Origin>, path: DocumentPath): Origin | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'))
    if (origin !== undefined) return origin
  }
  return undefined
}

function putFlags(value: Values, origins: Map<string, Origin>, flags: Readonly<Values>): ConfigProblem[] {
  const known = new Map<string, Setting>(settings().map((setting) => [setting.key, setting]))
  return Object.entries(flags).flatMap(([key, given]): ConfigProblem[] => {
    if (given === undefined) return []
    const at: Origin = { kind: 'flag', key }
    const setting = known.get(key)
    if (setting === undefined) {
      const close = nearest(key, [...known.keys()])
      return [
        { at, key, message: 'names no setting', hint: close === undefined ? undefined : `did you mean ${close}?` },
      ]
    }
    const read = typeof given === 'string' ? textValue(setting, given) : { value: given }
    if ('problem' in read) return [{ at, key, message: read.problem }]
    put(value, setting.path, read.value)
    origins.set(key, at)
    return []
  })
}

/** A section with nothing in it (`proxy:` with all its keys commented out) says nothing; zod would call it null. */
function withoutEmptySections(raw: unknown): Values {
  const root = raw as Values
  for (const path of sections()) {
    const parent = mapAt(root, path.slice(0, -1))
    const last = path.at(-1) as string
    if (parent !== undefined && Object.hasOwn(parent, last) && parent[last] === null) parent[last] = {}
  }
  return root
}

function coerce(root: Values, path: DocumentPath): void {
  const schema = schemaAt(path, root)
  const parent = path.slice(0, -1).reduce<unknown>((value, step) => (value as Values)[step], root) as Values | undefined
  const last = path.at(-1)
  if (schema === undefined || parent === undefined || last === undefined) return
  const text = parent[last]
  if (typeof text === 'string') parent[last] = scalarValue(schema, text)
}

/** Sets a value, unless what stands above it is no map: that is an error of its own. */
function put(root: Values, path: readonly string[], value: unknown): void {
  let parent = root
  for (const step of path.slice(0, -1)) {
    if (!Object.hasOwn(parent, step)) parent[step] = {}
    const next = parent[step]
    if (typeof next !== 'object' || next === null) return
    parent = next as Values
  }
  parent[path.at(-1) as string] = value
}

function isSet(root: Values, path: readonly string[]): boolean {
  const parent = mapAt(root, path.slice(0, -1))
  return parent !== undefined && Object.hasOwn(parent, path.at(-1) as string)
}

function mapAt(root: Values, path: readonly string[]): Values | undefined {
  let value: unknown = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Values)[step]
  }
  return typeof value === 'object' && value !== null ? (value as Values) : undefined
}

function fileOrigin(tree: YamlDocument, path: DocumentPath): Origin {
  const { line, column } = tree.keyPositionOf(path) ?? tree.positionOf(path) ?? { line: 1, column: 1 }
  return { kind: 'file', file: tree.file, line, column }
}
