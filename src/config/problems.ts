import { SallyportError } from '../core/errors.ts'
import type { Position } from '../lib/yaml-strict.ts'

/** Where the value of a setting comes from. Line 0 is the file as a whole. */
export type Origin =
  | { readonly kind: 'default' }
  | ({ readonly kind: 'file'; readonly file: string } & Position)
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'flag'; readonly key: string }

/** One thing that is wrong with the configuration. No message repeats a value. */
export type ConfigProblem = {
  readonly at: Origin
  /** The setting, as `proxy.listen`; empty when it is about none. */
  readonly key: string
  readonly message: string
  readonly hint?: string
}

/** `sallyport.yaml:3:5: unknown key lisen in proxy (did you mean listen?)` */
export function problemLine({ at, message, hint }: ConfigProblem): string {
  const where = placeText(at)
  return hint === undefined ? `${where}: ${message}` : `${where}: ${message} (${hint})`
}

/** `file:line:column`, `environment NAME`, `flag KEY` or `default`. */
export function placeText(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'file':
      return origin.line === 0 ? origin.file : `${origin.file}:${origin.line}:${origin.column}`
    case 'environment':
      return `environment ${origin.name}`
    case 'flag':
      return `flag ${origin.key}`
  }
}

/** All problems in one error, one a line, those of the file first and in its order. */
export function configInvalid(problems: readonly ConfigProblem[]): SallyportError {
  const [only] = problems
  if (problems.length === 1 && only !== undefined) {
    return new SallyportError('config_invalid', problemLine({ ...only, hint: undefined }), {
      hint: only.hint ?? SCHEMA_HINT,
    })
  }
  return new SallyportError('config_invalid', problems.map(problemLine).join('\n'), { hint: SCHEMA_HINT })
}

/** The order in which a person mends them. */
export function inFileOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const rank = ({ at }: ConfigProblem): number =>
    at.kind === 'file' ? at.line * 65_536 + Math.min(at.column, 65_535) : Number.POSITIVE_INFINITY
  return [...problems].sort((a, b) => {
    const [first, second] = [rank(a), rank(b)]
    return first === second ? 0 : first - second
  })
}

const SCHEMA_HINT = '`sallyport config schema` prints every key and what it may be.'
