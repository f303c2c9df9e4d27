import { conclude, sourceFiles, type SourceFiles } from './source-files.ts'

export const maxLines = 400

/** Files longer than a reader's patience. */
export function sizeProblems(files: SourceFiles, limit = maxLines): string[] {
  const problems: string[] = []
  for (const [path, text] of files) {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    if (lines > limit) problems.push(`${path}: ${lines} lines, at most ${limit}`)
  }
  return problems
}

/** All code of the repository. */
export function codeFiles(): SourceFiles {
  const folders = ['src', 'test', 'scripts', 'bin']
  return new Map(folders.flatMap((folder) => [...sourceFiles(folder, '.ts'), ...sourceFiles(folder, '.mjs')]))
}

if (import.meta.main) conclude('sizes', sizeProblems(codeFiles()))
