import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { configJsonSchema } from '../src/config/schema.ts'
import { errorCodes } from '../src/core/errors.ts'
import { createKeeperMetrics } from '../src/metrics/keeper.ts'
import { createMetrics } from '../src/metrics/metrics.ts'
import { conclude, repository, sourceFiles, type SourceFiles } from './source-files.ts'

export type ErrorTable = Readonly<
  Record<string, { readonly status: number; readonly meaning: string; readonly hint: string }>
>

/** All that the documentation promises and this repository can check by itself. */
export function docsProblems(): string[] {
  const pages = documentationPages()
  return [
    ...errorPageProblems(pages.get('docs/errors.md') ?? '', errorCodes),
    ...dependencyProblems(
      readFileSync(join(repository, 'package.json'), 'utf8'),
      pages.get('docs/dependencies.md') ?? '',
    ),
    ...linkProblems(pages, (path) => existsSync(join(repository, path))),
    ...configurationKeyProblems(pages.get('docs/configuration.md') ?? '', schemaKeys(configJsonSchema())),
    ...metricProblems(
      pages.get('docs/metrics.md') ?? '',
      [createMetrics(), createKeeperMetrics()].flatMap(({ registry }) => registry.getMetricsAsArray()),
    ),
  ]
}

/** The page of error codes, whole: it is written from the table and never by hand. */
export function errorPage(table: ErrorTable): string {
  const rows = Object.entries(table).map(
    ([code, { status, meaning, hint }]) =>
      `| \`${code}\` | ${status === 0 ? '–' : status} | ${cell(meaning)} | ${cell(hint)} |`,
  )
  return `${errorPageHead}${rows.join('\n')}\n`
}

/** Codes that the page lacks, tells wrong, or has too many. */
export function errorPageProblems(page: string, table: ErrorTable): string[] {
  if (page === errorPage(table)) return []
  const told = new Map<string, string>()
  for (const match of page.matchAll(/^\| `([a-z_]+)` \| (\S+) \|/gm)) told.set(match[1] as string, match[2] as string)
  const problems: string[] = []
  for (const [code, { status }] of Object.entries(table)) {
    const shown = told.get(code)
    if (shown === undefined) problems.push(`docs/errors.md: lacks ${code}`)
    else if (shown !== (status === 0 ? '–' : String(status)))
      problems.push(`docs/errors.md: ${code} has status ${shown}, not ${status}`)
  }
  for (const code of told.keys()) if (table[code] === undefined) problems.push(`docs/errors.md: ${code} is no code`)
  return problems.length > 0
    ? problems
    : ['docs/errors.md: is not as written from src/core/errors.ts: run scripts/check-docs.ts --write']
}

/** Dependencies of package.json without a line of their own (`| `name` | why |`), and lines for what is no dependency. */
export function dependencyProblems(packageJson: string, page: string): string[] {
  const manifest = JSON.parse(packageJson) as Record<string, Record<string, string> | undefined>
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies']
  const declared = new Set(kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {})))
  const told = new Set([...page.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] as string))
  return [
    ...[...declared].filter((name) => !told.has(name)).map((name) => `docs/dependencies.md: lacks ${name}`),
    ...[...told].filter((name) => !declared.has(name)).map((name) => `docs/dependencies.md: ${name} is no dependency`),
  ]
}

/** Relative links that lead to no file, or to no heading of a page. */
export function linkProblems(pages: SourceFiles, exists: (path: string) => boolean): string[] {
  const problems: string[] = []
  for (const [path, text] of pages) {
    for (const match of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      const link = match[1] as string
      if (/^[a-z]+:/.test(link)) continue
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : posix.join(posix.dirname(path), file)
      if (!exists(target)) problems.push(`${path}: ${link} leads nowhere`)
      else if (anchor !== undefined && pages.has(target) && !headings(pages.get(target) ?? '').has(anchor))
        problems.push(`${path}: ${link}: no such heading`)
    }
  }
  return problems
}

/** Every key of a JSON Schema as a dotted path, through arrays and unions; keys under free names (`additionalProperties`) are not listed. */
export function schemaKeys(schema: unknown, prefix = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties, anyOf, oneOf, allOf, items } = schema as Record<string, unknown>
  const keys: string[] = []
  for (const [key, value] of Object.entries((properties ?? {}) as Record<string, unknown>)) {
    keys.push(prefix + key, ...schemaKeys(value, `${prefix}${key}.`))
  }
  for (const some of [anyOf, oneOf, allOf])
    if (Array.isArray(some)) for (const part of some) keys.push(...schemaKeys(part, prefix))
  if (items !== undefined) keys.push(...schemaKeys(items, prefix))
  return [...new Set(keys)]
}

/** Keys that the page does not name, as `a.b` or as the last word of it, in code. */
export function configurationKeyProblems(page: string, keys: readonly string[]): string[] {
  const code = [...page.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map((match) => match[0]).join('\n')
  const words = new Set(code.match(/[A-Za-z][A-Za-z0-9]*/g))
  return keys
    .filter((key) => !words.has(key.split('.').at(-1) as string))
    .map((key) => `docs/configuration.md: lacks ${key}`)
}

/** Metrics of our own that the page lacks (`| `name` | type | labels | …`), tells with another type or other labels, or has too many. */
export function metricProblems(
  page: string,
  metrics: readonly { readonly name: string; readonly type: unknown; readonly labelNames?: readonly string[] }[],
): string[] {
  const told = new Map<string, string>()
  for (const match of page.matchAll(/^\| `(sallyport_\w+)` \| (\w+) \| ([^|]*) \|/gm))
    told.set(match[1] as string, `${match[2]}(${(match[3] as string).match(/\w+/g)?.join() ?? ''})`)
  const problems: string[] = []
  for (const { name, type, labelNames = [] } of metrics) {
    if (/^sallyport_(process|nodejs)_/.test(name)) continue
    const shown = told.get(name)
    const is = `${String(type)}(${labelNames.join()})`
    if (shown === undefined) problems.push(`docs/metrics.md: lacks ${name}`)
    else if (shown !== is) problems.push(`docs/metrics.md: ${name} is told as ${shown}, not ${is}`)
    told.delete(name)
  }
  return [...problems, ...[...told.keys()].map((name) => `docs/metrics.md: ${name} is no metric`)]
}

function documentationPages(): SourceFiles {
  const pages = new Map(sourceFiles('docs', '.md'))
  for (const page of ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'policies/README.md', 'certs/README.md']) {
    if (existsSync(join(repository, page))) pages.set(page, readFileSync(join(repository, page), 'utf8'))
  }
  return pages
}

// As GitHub makes anchors: lower case, spaces to hyphens, everything but letters, digits, hyphens and underscores dropped.
function headings(page: string): Set<string> {
  const lines = page.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+\s+(.*?)\s*$/gm)
  return new Set(
    [...lines].map((line) =>
      (line[1] as string)
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function withoutCode(page: string): string {
  return page.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

const errorPageHead = `# Error codes

Every code that Sallyport answers or logs with. An answer carries it in its body, in the shape of the caller's dialect, or in the header
\`sallyport-error\`; a log line carries it as \`code\`; a command that fails prints \`error:\` with the message and \`hint:\` with what to do.
A code without a status never answers a request: it ends a command or keeps the program from starting.

This page is written from \`src/core/errors.ts\` by \`npm run check -- --write\`; a check fails when the two differ.

| code | status | meaning | what to do |
|---|---|---|---|
`

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(join(repository, 'docs/errors.md'), errorPage(errorCodes))
  conclude('docs', docsProblems())
}
