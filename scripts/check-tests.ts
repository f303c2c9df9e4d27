import { stripTypeScriptTypes } from 'node:module'
import { conclude, sourceFiles, type SourceFiles } from './source-files.ts'

/** Source files that have no test at the mirrored path. Registries (`index.ts`), files of types only and src/main.ts need none. */
export function testProblems(sources: SourceFiles, tests: SourceFiles): string[] {
  if (sources.size === 0) return ['src: no source files found']
  const problems: string[] = []
  for (const [path, text] of sources) {
    const mirror = mirrored(path)
    if (tests.has(mirror) || path === 'src/main.ts' || path.endsWith('/index.ts') || isTypesOnly(text)) continue
    problems.push(`${path}: has no ${mirror}`)
  }
  for (const [path, text] of tests) {
    if (!/\b(?:test|it|describe|suite)(?:\.\w+)?\(/.test(text)) problems.push(`${path}: declares no test`)
  }
  return problems
}

/** Whether nothing of a TypeScript file is left at run time. */
export function isTypesOnly(text: string): boolean {
  const left = stripTypeScriptTypes(text, { mode: 'strip' })
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\/\/.*$/gm, '')
    .replaceAll(/export\s*\{\s*\};?/g, '')
  return left.replaceAll(';', '').trim() === ''
}

function mirrored(path: string): string {
  return path.replace(/^src\//, 'test/').replace(/\.ts$/, '.test.ts')
}

if (import.meta.main) conclude('tests', testProblems(sourceFiles('src', '.ts'), sourceFiles('test', '.test.ts')))
