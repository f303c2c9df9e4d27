import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { constants } from 'node:os'
import { repository } from './source-files.ts'

/** The test files to run: all but those that need other ecosystems, or those that the arguments name (files, or parts of their paths). */
export function chosenTests(all: readonly string[], wanted: readonly string[]): string[] {
  const own = all.map((path) => path.replaceAll('\\', '/')).filter((path) => !path.startsWith('test/clients/'))
  if (wanted.length === 0) return own.sort()
  return own.filter((path) => wanted.some((part) => path.includes(part))).sort()
}

/** The environment without what would lead tests out of their own world: proxies, CA files and settings of Sallyport itself. */
export function testEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign =
    /^(?:(?:https?|all|no|ftp)_proxy|sallyport_.*|ssl_cert_(?:file|dir)|node_extra_ca_certs|node_use_env_proxy|.*_api_key)$/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)))
}

async function main(): Promise<number> {
  const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'))
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
  const files = chosenTests(globSync('test/**/*.test.ts', { cwd: repository }), wanted)
  if (files.length === 0) {
    console.error(`error: no test file${wanted.length > 0 ? ` has ${wanted.join(' or ')} in its path` : ' found'}`)
    return 1
  }
  const args = ['--disable-warning=ExperimentalWarning', '--test', ...limits, ...flags, ...files]
  const runner = spawn(process.execPath, args, { cwd: repository, env: testEnvironment(process.env), stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal))
  const bound = setTimeout(() => {
    console.error(`error: the tests took more than ${totalMs / 60_000} minutes`)
    // Interrupted, the runner names the file that it waits for.
    runner.kill('SIGINT')
    setTimeout(() => runner.kill('SIGKILL'), 5_000).unref()
  }, totalMs)
  const status = await new Promise<number>((resolve) => {
    runner.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
  clearTimeout(bound)
  return status
}

// Two at once fit two cores. A test that hangs fails by itself long before the whole run is cut. No file is forced to end with its
// tests, which would lose results on their way to the runner; one that does not end by itself fails.
const limits = [
  '--import=./test/support/left-open.ts',
  '--test-reporter=spec',
  '--test-concurrency=2',
  '--test-timeout=120000',
]
const totalMs = 15 * 60_000

if (import.meta.main) process.exitCode = await main()
