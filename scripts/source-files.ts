import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** File texts by path relative to the repository, with forward slashes. */
export type SourceFiles = ReadonlyMap<string, string>

export const repository = fileURLToPath(new URL('..', import.meta.url))

/** All files under `folder` (relative to `root`) whose name ends with `ending`, sorted by path. A folder that does not exist has none. */
export function sourceFiles(folder: string, ending: string, root = repository): SourceFiles {
  const files = new Map<string, string>()
  for (const path of paths(root, folder).sort()) {
    if (path.endsWith(ending)) files.set(path, readFileSync(join(root, path), 'utf8'))
  }
  return files
}

/** Prints problems and sets the exit status: the last act of a check that is run by itself. */
export function conclude(name: string, problems: readonly string[]): void {
  for (const problem of problems) console.error(problem)
  console.log(problems.length === 0 ? `${name}: ok` : `${name}: ${problems.length} problems`)
  if (problems.length > 0) process.exitCode = 1
}

function paths(root: string, folder: string): string[] {
  let entries
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
  return entries.flatMap((entry) => {
    if (entry.name === 'node_modules') return []
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? paths(root, path) : [path]
  })
}
