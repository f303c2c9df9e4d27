import { nearest } from '../lib/nearest.ts'
import { formatProblem, readYaml } from '../lib/yaml-strict.ts'
import { kindsOf, settings } from './settings.ts'
import type { Setting } from './settings.ts'

/** Variables with our prefix that are no settings: set by Sallyport for its own processes and children. */
export const ownVariables: readonly string[] = [
  'SALLYPORT_AGENT',
  'SALLYPORT_EXEC',
  'SALLYPORT_PROGRAMS',
  'SALLYPORT_WORKER',
  'SALLYPORT_WRAPPED',
]

export type VariableProblem = { readonly name: string; readonly message: string; readonly hint?: string }
export type VariableValue = { readonly name: string; readonly setting: Setting; readonly value: unknown }

/** What the `SALLYPORT_…` variables set. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  readonly values: readonly VariableValue[]
  readonly problems: readonly VariableProblem[]
} {
  const known = new Map(settings().flatMap((setting) => variableNames(setting.path).map((name) => [name, setting])))
  const values: VariableValue[] = []
  const problems: VariableProblem[] = []
  for (const name of Object.keys(env).sort()) {
    const text = env[name]
    if (!name.startsWith(PREFIX) || text === undefined || ownVariables.includes(name)) continue
    const setting = known.get(name)
    if (setting === undefined) {
      problems.push({ name, message: 'names no setting', hint: hintFor(name, [...known.keys()]) })
      continue
    }
    const read = textValue(setting, text)
    if ('problem' in read) problems.push({ name, message: read.problem })
    else values.push({ name, setting, value: read.value })
  }
  return { values, problems }
}

/** `SALLYPORT_CA_LEAF_HOURS` and `SALLYPORT_CA_LEAFHOURS` for `ca.leafHours`. */
export function variableNames(path: readonly string[]): string[] {
  const flat = PREFIX + path.join('_').toUpperCase()
  const words =
    PREFIX +
    path
      .map((key) => key.replaceAll(/[A-Z]/g, '_$&'))
      .join('_')
      .toUpperCase()
  return words === flat ? [words] : [words, flat]
}

/** What the text of a variable or a flag means for a setting: lists by commas, numbers, true and false, or YAML for lists and maps. */
export function textValue(setting: Setting, text: string): { readonly value: unknown } | { readonly problem: string } {
  const kinds = kindsOf(setting.schema)
  if (kinds.has('null') && (text === '' || text === 'null')) return { value: null }
  if (kinds.has('map') || kinds.has('list of maps')) return yamlValue(text)
  if (kinds.has('list')) {
    // An address list may begin with a bracket too: [::1]:3128.
    if ((text.startsWith('[') && text.endsWith(']')) || text.startsWith('- ')) return yamlValue(text)
    const entries = text.split(',').map((entry) => entry.trim())
    return { value: entries.filter((entry) => entry !== '') }
  }
  return { value: scalarValue(setting.schema, text) }
}

/** A number or a truth value where the schema wants one and no text; else the text as it is. */
export function scalarValue(schema: Setting['schema'], text: string): unknown {
  const kinds = kindsOf(schema)
  if (kinds.has('string')) return text
  if (kinds.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (kinds.has('number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  return text
}

function yamlValue(text: string): { readonly value: unknown } | { readonly problem: string } {
  const document = readYaml(text, 'value')
  if ('problems' in document) return { problem: document.problems.map(formatProblem).join('; ') }
  return { value: document.raw }
}

function hintFor(name: string, known: readonly string[]): string | undefined {
  const close = nearest(name, known)
  return close === undefined ? undefined : `did you mean ${close}?`
}

const PREFIX = 'SALLYPORT_'
