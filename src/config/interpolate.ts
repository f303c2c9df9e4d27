import { problemAt } from '../lib/yaml-strict.ts'
import type { Problem, YamlDocument } from '../lib/yaml-strict.ts'
import { pathText } from '../lib/schema-problems.ts'
import type { DocumentPath } from '../lib/schema-problems.ts'

export type Interpolated = {
  readonly value: unknown
  /** Paths of the values that had a `${NAME}` in them. */
  readonly touched: readonly DocumentPath[]
  readonly problems: readonly Problem[]
}

/** The document's value with each `${NAME}` in a string replaced from the environment; `$${` is a literal `${`. */
export function interpolate(document: YamlDocument, env: Readonly<Record<string, string | undefined>>): Interpolated {
  const touched: DocumentPath[] = []
  const problems: Problem[] = []
  const fill = (text: string, path: DocumentPath): string =>
    text.replaceAll(REFERENCE, (whole, escaped?: string, name?: string) => {
      if (escaped !== undefined) return '${'
      if (touched.at(-1) !== path) touched.push(path)
      if (name === undefined) {
        problems.push(
          problemAt(
            document,
            path,
            `${pathText(path)} has a \${ without a name`,
            'write ${NAME}, or $${ for a literal ${',
          ),
        )
        return whole
      }
      const value = Object.hasOwn(env, name) ? env[name] : undefined
      if (value === undefined) {
        problems.push(
          problemAt(document, path, `${pathText(path)} needs the environment variable ${name}, which is not set`),
        )
      }
      return value ?? ''
    })
  const visit = (value: unknown, path: DocumentPath): unknown => {
    if (typeof value === 'string') return value.includes('${') ? fill(value, path) : value
    if (Array.isArray(value)) return value.map((entry, index) => visit(entry, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, visit(entry, [...path, key])]))
  }
  return { value: visit(document.raw, []), touched, problems }
}

const REFERENCE = /(\$\$\{)|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?/g
