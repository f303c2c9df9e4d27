import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes a toolchain ready in a cache folder of its own: the program to run, or why it cannot be. */
export type Toolchain = {
  readonly name: string
  readonly prepare: (cache: string) => string | { readonly skip: string }
}

export const curl: Toolchain = {
  name: 'curl',
  prepare: (cache) => {
    if (!works('curl', ['--version'])) return { skip: 'curl is not installed' }
    const script = join(cache, 'chat.sh')
    const body = '{\\"model\\":\\"gpt-5.1\\",\\"messages\\":[{\\"role\\":\\"user\\",\\"content\\":\\"$1\\"}]}'
    const call = `curl -sS --fail-with-body -w ' %{http_code}' -H 'content-type: application/json' -d "${body}"`
    writeFileSync(script, `#!/bin/sh\nexec ${call} https://api.openai.com/v1/chat/completions\n`, { mode: 0o755 })
    return script
  },
}

export const python: Toolchain = {
  name: 'python',
  prepare: (cache) => {
    const requirements = 'test/clients/python/requirements.txt'
    const interpreter = join(cache, 'bin', 'python')
    const stamp = join(cache, 'ready')
    const wanted = digest(requirements)
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && works(interpreter, ['--version']))
      return interpreter
    const system = ['python3', 'python'].find((name) =>
      works(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']),
    )
    if (system === undefined) return { skip: 'no Python 3.9 or newer' }
    rmSync(cache, { recursive: true, force: true })
    const venv = run(system, ['-m', 'venv', cache])
    if (venv !== undefined) return { skip: `no virtual environment can be made: ${venv}` }
    const pip = run(interpreter, ['-m', 'pip', 'install', '--quiet', '-r', requirements])
    if (pip !== undefined) return { skip: `its packages cannot be fetched: ${pip}` }
    writeFileSync(stamp, wanted)
    return interpreter
  },
}

export const go: Toolchain = {
  name: 'go',
  prepare: (cache) => {
    if (!works('go', ['version'])) return { skip: 'Go is not installed' }
    const binary = join(cache, 'client')
    const failed = run('go', ['build', '-o', binary, '.'], 'test/clients/go')
    return failed === undefined ? binary : { skip: `it cannot be built: ${failed}` }
  },
}

export const java: Toolchain = {
  name: 'java',
  prepare: () => {
    const version = spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr ?? ''
    const major = Number(/version "(\d+)/.exec(version)?.[1] ?? 0)
    if (major < 11) return { skip: 'no Java 11 or newer' }
    return works('javac', ['-version']) ? 'java' : { skip: 'Java has no compiler (JDK)' }
  },
}

export const rust: Toolchain = {
  name: 'rust',
  prepare: (cache) => {
    if (!works('cargo', ['--version'])) return { skip: 'Cargo is not installed' }
    // A copy, so that the lock file and the build do not land in the checkout.
    cpSync('test/clients/rust', cache, { recursive: true })
    const failed = run('cargo', ['build', '--quiet', '--release'], cache)
    return failed === undefined ? join(cache, 'target', 'release', 'client') : { skip: `it cannot be built: ${failed}` }
  },
}

/** A tool that is there or not; some end with a failure whatever they are asked. */
export function installed(name: string): Toolchain {
  const missing = () => spawnSync(name, ['-h'], { stdio: 'ignore', timeout: 30_000 }).error !== undefined
  return { name, prepare: () => (missing() ? { skip: `${name} is not installed` } : name) }
}

/** Machines of its own on this one, in namespaces for network and mounts: only root may make them. */
export const namespaces: Toolchain = {
  name: 'namespaces',
  prepare: () => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return { skip: 'it needs root on Linux' }
    for (const command of ['unshare', 'nsenter', 'ip', 'nft', 'curl'])
      if (!works(command, ['--version']) && !works(command, ['-V'])) return { skip: `${command} is not installed` }
    const may = works('unshare', [
      '-n',
      '-m',
      'sh',
      '-c',
      `nft '${redirection}' && ip link add veth0 type veth peer name veth1`,
    ])
    return may ? 'unshare' : { skip: 'this kernel or container lets nobody make networks' }
  },
}

const redirection =
  'add table inet probe { flags owner; }; add chain inet probe out { type nat hook output priority -100; }; ' +
  'add rule inet probe out tcp dport 443 redirect to :1'

/** A folder that stays between runs. */
export function cacheFolder(name: string): string {
  const folder = join(process.cwd(), 'node_modules', '.cache', 'sallyport-clients', name)
  mkdirSync(folder, { recursive: true })
  return folder
}

function works(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 30_000 }).status === 0
}

// The last line of what it said when it failed.
function run(command: string, args: readonly string[], cwd?: string): string | undefined {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 15 * 60_000,
    ...(cwd === undefined ? {} : { cwd }),
  })
  if (done.status === 0) return undefined
  const lines = `${done.stdout ?? ''}\n${done.stderr ?? ''}`.trim().split('\n')
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? String(done.error ?? 'failed')).slice(0, 300)
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
