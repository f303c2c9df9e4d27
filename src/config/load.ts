import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pathText, schemaProblems } from '../lib/schema-problems.ts'
import type { DocumentPath } from '../lib/schema-problems.ts'
import { readYaml } from '../lib/yaml-strict.ts'
import type { Position, YamlDocument } from '../lib/yaml-strict.ts'
import { inconsistencies } from './consistency.ts'
import { layered, originOf } from './layers.ts'
import { configInvalid, inFileOrder } from './problems.ts'
import type { ConfigProblem, Origin } from './problems.ts'
import { configSchema } from './schema.ts'
import type { Config } from './schema.ts'
import { mapValues } from './settings.ts'

/** Where the configuration comes from. `file` is what `-c` says; `flags` are settings by key, as `proxy.listen`. */
export type ConfigSource = {
  readonly file?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly flags?: Readonly<Record<string, unknown>>
}

export type LoadedConfig = {
  readonly config: Config
  /** The file that was read, as it was named; null when there is none. */
  readonly file: string | null
  /** Of each setting by key, where its value comes from. */
  readonly origins: ReadonlyMap<string, Origin>
  /** Paths of values that hold something from a `${NAME}`. */
  readonly interpolated: readonly string[]
}

/** The configuration in force. Throws `config_invalid` with every problem, one a line. */
export function loadConfig(source: ConfigSource): Config {
  return loadWithOrigins(source).config
}

/** As `loadConfig`, with where each value comes from. */
export function loadWithOrigins(source: ConfigSource): LoadedConfig {
  const checked = checkConfig(source)
  if ('problems' in checked) throw configInvalid(checked.problems)
  return checked
}

/** The configuration, or everything that is wrong with it. */
export function checkConfig(source: ConfigSource): LoadedConfig | { readonly problems: readonly ConfigProblem[] } {
  const file = source.file ?? DEFAULT_FILE
  const document = readDocument(file, source)
  if ('problems' in document) return document
  const notMap = topLevelFault(document.tree)
  if (notMap !== undefined) return { problems: [notMap] }
  const layers = layered(document.tree, source.env, source.flags ?? {})
  const parsed = configSchema.safeParse(layers.value)
  const faults = parsed.success
    ? inconsistencies(parsed.data)
    : schemaProblems(configSchema, layers.value, parsed.error)
  const missing = new Set(layers.problems.map(({ key }) => key))
  const problems = [
    ...layers.problems,
    ...faults
      .filter(({ path }) => !missing.has(pathText(path)))
      .map((fault) => ({
        at: placeOf(fault, document.tree, layers.origins),
        key: pathText(fault.path),
        message: fault.message,
        hint: fault.hint,
      })),
  ]
  if (problems.length > 0 || !parsed.success) return { problems: inFileOrder(problems) }
  const folder = dirname(resolve(source.cwd, file))
  return {
    config: withAbsolutePaths(parsed.data, (path) =>
      originOf(layers.origins, path)?.kind === 'flag' ? source.cwd : folder,
    ),
    file: document.found ? file : null,
    origins: layers.origins,
    interpolated: layers.interpolated,
  }
}

type Read = { readonly tree: YamlDocument; readonly found: boolean }

function readDocument(file: string, source: ConfigSource): Read | { readonly problems: readonly ConfigProblem[] } {
  let text = ''
  let found = true
  try {
    text = readFileSync(resolve(source.cwd, file), 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' || source.file !== undefined) {
      return {
        problems: [
          {
            at: { kind: 'file', file, line: 0, column: 0 },
            key: '',
            message: `cannot be read: ${reasons[code ?? ''] ?? code}`,
          },
        ],
      }
    }
    found = false
  }
  const tree = readYaml(text, file)
  if (!('problems' in tree)) return { tree, found }
  return {
    problems: tree.problems.map(({ line, column, path, message, hint }) => ({
      at: { kind: 'file', file, line, column },
      key: path,
      message,
      hint,
    })),
  }
}

/** Other than a map, a document cannot even take the environment's values. */
function topLevelFault(tree: YamlDocument): ConfigProblem | undefined {
  if (typeof tree.raw === 'object' && !Array.isArray(tree.raw)) return undefined
  return {
    at: { kind: 'file', file: tree.file, line: 1, column: 1 },
    key: '',
    message: 'the file must be a mapping, as `proxy:` and its keys below it',
  }
}

type Fault = { readonly path: DocumentPath; readonly about: 'key' | 'value' }

function placeOf({ path, about }: Fault, tree: YamlDocument, origins: ReadonlyMap<string, Origin>): Origin {
  const origin = originOf(origins, path)
  if (origin?.kind === 'environment' || origin?.kind === 'flag') return origin
  const position = (about === 'key' ? tree.keyPositionOf(path) : undefined) ?? nearestPosition(tree, path)
  return { kind: 'file', file: tree.file, ...position }
}

function nearestPosition(tree: YamlDocument, path: DocumentPath): Position {
  for (let length = path.length; length >= 0; length--) {
    const position = tree.positionOf(path.slice(0, length))
    if (position !== undefined) return position
  }
  return { line: 1, column: 1 }
}

function withAbsolutePaths(config: Config, folderFor: (path: DocumentPath) => string): Config {
  return mapValues(
    configSchema,
    config,
    (value, note, path) => (note.path && typeof value === 'string' ? resolve(folderFor(path), value) : value),
    [],
  ) as Config
}

const DEFAULT_FILE = 'sallyport.yaml'
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}
