import { posix } from 'node:path'
import { entryImports, ground, rooms, type Room } from './rooms.ts'
import { conclude, sourceFiles, type SourceFiles } from './source-files.ts'

/** What breaks the walls: imports that do not go to a lower level, rooms nobody declared, missing targets, cycles between files. */
export function importProblems(files: SourceFiles, table: Readonly<Record<string, Room>> = rooms): string[] {
  if (files.size === 0) return ['src: no source files found']
  const problems = tableProblems(table)
  for (const [path, text] of files) {
    const from = roomOf(path)
    if (from !== undefined && table[from] === undefined)
      problems.push(`${path}: room ${from} is not in scripts/rooms.ts`)
    for (const target of targets(path, text)) {
      if (!files.has(target)) problems.push(`${path}: imports ${target}, which does not exist`)
      else problems.push(...wallProblems(path, target, table))
    }
  }
  return [...problems, ...cycles(files)]
}

/** Relative modules that a text imports or re-exports: statements, type imports, `import()`, and `new URL(…, import.meta.url)`. */
export function relativeImports(text: string): string[] {
  const code = withoutComments(text)
  const found: string[] = []
  for (const pattern of [statement, bare, dynamic, url]) {
    for (const match of code.matchAll(pattern)) found.push(match[1] as string)
  }
  return found.filter((specifier) => specifier.startsWith('.'))
}

/** The room a file stands in; undefined for files directly in src. */
export function roomOf(path: string): string | undefined {
  const [, room, ...rest] = path.split('/')
  return rest.length > 0 ? room : undefined
}

function wallProblems(path: string, target: string, table: Readonly<Record<string, Room>>): string[] {
  const from = roomOf(path)
  const to = roomOf(target)
  if (to === undefined) return [`${path}: imports ${target}, which stands in no room`]
  if (from === to) return []
  if (from === undefined)
    return entryImports.includes(to) ? [] : [`${path}: may import ${entryImports.join(', ')} only, not ${to}`]
  const room = table[from]
  if (room === undefined || room.imports.includes(to)) return []
  if (ground.includes(to) && !ground.includes(from)) return []
  return [`${path}: ${from} may not import ${to} (${target})`]
}

// The table must keep the law it states: every allowed import goes to a strictly lower level.
function tableProblems(table: Readonly<Record<string, Room>>): string[] {
  return Object.entries(table).flatMap(([name, room]) =>
    room.imports.flatMap((other) => {
      const level = table[other]?.level
      if (level === undefined) return [`scripts/rooms.ts: ${name} imports ${other}, which is no room`]
      return level < room.level ? [] : [`scripts/rooms.ts: ${name} imports ${other}, which is not lower`]
    }),
  )
}

function cycles(files: SourceFiles): string[] {
  const found: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const trail: string[] = []
  const visit = (path: string) => {
    state.set(path, 'open')
    trail.push(path)
    for (const target of targets(path, files.get(path) ?? '')) {
      if (!files.has(target) || target === path) continue
      if (state.get(target) === 'open')
        found.push(`cycle: ${[...trail.slice(trail.indexOf(target)), target].join(' → ')}`)
      else if (state.get(target) === undefined) visit(target)
    }
    trail.pop()
    state.set(path, 'done')
  }
  for (const path of files.keys()) if (state.get(path) === undefined) visit(path)
  return found
}

function targets(path: string, text: string): string[] {
  const modules = relativeImports(text).map((specifier) => posix.join(posix.dirname(path), specifier))
  return modules.filter((target) => target.endsWith('.ts'))
}

// Only whole-line comments: a `//` behind code may be part of a string.
function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\/.*$/gm, '').replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, '')
}

const statement = /^[ \t]*(?:import|export)\b[^'"`;=()]*?\bfrom\s*['"]([^'"]+)['"]/gm
const bare = /^[ \t]*import\s*['"]([^'"]+)['"]/gm
const dynamic = /\bimport\(\s*['"`]([^'"`]+)['"`]/g
const url = /\bnew URL\(\s*['"`]([^'"`]+)['"`]\s*,\s*import\.meta\.url/g

if (import.meta.main) conclude('imports', importProblems(sourceFiles('src', '.ts')))
