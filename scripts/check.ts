import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCodes } from '../src/core/errors.ts'
import { docsProblems, errorPage } from './check-docs.ts'
import { importProblems } from './check-imports.ts'
import { codeFiles, sizeProblems } from './check-sizes.ts'
import { testProblems } from './check-tests.ts'
import { repository, sourceFiles } from './source-files.ts'

/** A named check: the problems it finds, as lines to print. */
export type Check = { readonly name: string; readonly run: () => string[] | Promise<string[]> }

/** Runs all checks in order, also after a failure; gives what each found. */
export async function runChecks(checks: readonly Check[], print: (line: string) => void): Promise<number> {
  const failed: string[] = []
  const start = performance.now()
  for (const check of checks) {
    const problems = await check.run()
    if (problems.length === 0) continue
    failed.push(check.name)
    print(`── ${check.name}`)
    for (const problem of problems) print(problem)
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  print(
    failed.length === 0
      ? `check: ${checks.length} ok in ${seconds} s`
      : `check: ${failed.join(', ')} failed (${seconds} s)`,
  )
  return failed.length === 0 ? 0 : 1
}

/** A script of node_modules as a check: its output when it does not exit with 0. */
export function program(name: string, path: string, args: readonly string[]): Check {
  return {
    name,
    run: () => {
      const script = join(repository, 'node_modules', path)
      const done = spawnSync(process.execPath, [script, ...args], {
        cwd: repository,
        encoding: 'utf8',
        timeout: 120_000,
      })
      if (done.status === 0) return []
      const output = `${done.stdout ?? ''}${done.stderr ?? ''}`.trim()
      return [output === '' ? `${name}: ${done.error?.message ?? `exit status ${done.status}`}` : output]
    },
  }
}

const code = ['src', 'test', 'scripts', 'bin']

const checks: readonly Check[] = [
  { name: 'sizes', run: () => sizeProblems(codeFiles()) },
  { name: 'imports', run: () => importProblems(sourceFiles('src', '.ts')) },
  { name: 'tests', run: () => testProblems(sourceFiles('src', '.ts'), sourceFiles('test', '.test.ts')) },
  { name: 'docs', run: docsProblems },
  program('oxfmt', 'oxfmt/bin/oxfmt', ['--check', ...code]),
  program('tsc', 'typescript/bin/tsc', ['-p', '.']),
  program('oxlint', 'oxlint/bin/oxlint', ['--type-aware', ...code]),
  program('knip', 'knip/bin/knip.js', ['--no-progress']),
]

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(join(repository, 'docs/errors.md'), errorPage(errorCodes))
  process.exitCode = await runChecks(checks, console.log)
}
