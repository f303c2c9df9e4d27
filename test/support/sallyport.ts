import Database from 'better-sqlite3'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { stringify } from 'yaml'
import type { TestAuthority } from './authority.ts'
import { freePorts } from './free-ports.ts'
import { tempFolder } from './temp.ts'

export type SallyportOptions = {
  /** `api.openai.com:443` → the origin that plays it. */
  readonly origins?: Readonly<Record<string, { readonly address: string }>>
  /** Signs the origins' certificates. */
  readonly authority?: TestAuthority
  /** Laid over the configuration, section by section. */
  readonly config?: Readonly<Record<string, unknown>>
  /** File name → text or value. Without it the program makes its default policy. */
  readonly policies?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

/** A folder with a configuration in it, not yet running. */
export type Installation = {
  readonly dir: string
  readonly file: string
  readonly proxyPort: number
  readonly consolePort: number
  readonly gatewayPort: number
  /** The local authority, PEM; it exists once something has made it. */
  readonly ca: () => string
  /** Rows of a table in order of `at`. JSON columns are text. */
  readonly rows: (table: 'exchanges' | 'connections' | 'events') => Record<string, unknown>[]
  /** Waits until a table has as many rows as `wanted` says; gives all rows. */
  readonly rowsWhen: (
    table: 'exchanges' | 'connections',
    wanted: (rows: Record<string, unknown>[]) => boolean,
  ) => Promise<Record<string, unknown>[]>
  /** Files in the folder that hold these characters, in any of the usual spellings; the database with its log included. */
  readonly filesWith: (secret: string) => string[]
  /** Runs a command of the program with `-c` of this folder. */
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Ran>
}

export type RunOptions = {
  /** Default the folder itself. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly timeoutMs?: number
}
export type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string }

export type Sallyport = Installation & {
  readonly child: ChildProcess
  /** What it has logged so far. */
  readonly log: () => string
  readonly get: (path: string) => Promise<{ readonly status: number; readonly body: string }>
  /** SIGTERM, and its exit status. */
  readonly stop: () => Promise<number | null>
  /** SIGKILL. */
  readonly kill: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Runs `sallyport serve` in a folder of its own, and waits until it is ready. */
export async function startSallyport(options: SallyportOptions = {}): Promise<Sallyport> {
  return serve(await installSallyport(options), options.env)
}

/** A folder with ports, origins and policies set, for tests that start the program themselves. */
export async function installSallyport(options: SallyportOptions = {}): Promise<Installation> {
  const dir = tempFolder('run')
  const [proxyPort, consolePort, gatewayPort] = (await freePorts(3)) as [number, number, number]
  const file = join(dir, 'sallyport.yaml')
  const base: Record<string, unknown> = {
    workers: 1,
    log: { level: 'info', format: 'json' },
    proxy: { listen: `127.0.0.1:${proxyPort}` },
    console: { listen: `127.0.0.1:${consolePort}` },
    gateway: { listen: `127.0.0.1:${gatewayPort}` },
    upstream: {
      resolve: Object.fromEntries(
        Object.entries(options.origins ?? {}).map(([name, origin]) => [name, origin.address]),
      ),
      ca: options.authority === undefined ? [] : ['origins.pem'],
    },
  }
  for (const [section, value] of Object.entries(options.config ?? {})) base[section] = laidOver(base[section], value)
  writeFileSync(file, stringify(base))
  if (options.authority !== undefined) writeFileSync(join(dir, 'origins.pem'), options.authority.cert)
  if (options.policies !== undefined) {
    mkdirSync(join(dir, 'policies'))
    for (const [name, value] of Object.entries(options.policies)) {
      writeFileSync(join(dir, 'policies', name), typeof value === 'string' ? value : stringify(value))
    }
  }
  const rows = (table: string) => readRows(dir, table)
  return {
    dir,
    file,
    proxyPort,
    consolePort,
    gatewayPort,
    rows,
    ca: () => readFileSync(join(dir, 'certs', 'ca.pem'), 'utf8'),
    rowsWhen: async (table, wanted) => {
      for (let waited = 0; ; waited += 20) {
        const found = rows(table)
        if (wanted(found)) return found
        if (waited > 60_000)
          throw new Error(`${table} never became as wanted: ${JSON.stringify(found).slice(0, 2_000)}`)
        await delay(20)
      }
    },
    filesWith: (secret) => filesWith(dir, secret),
    run: ([command = '', ...args], more) => runSallyport([command, '-c', file, ...args], dir, more),
  }
}

/** Starts the program in an installation, again if need be; `by` is a command that runs it. */
export async function serve(
  installation: Installation,
  env: Readonly<Record<string, string>> = {},
  by: readonly string[] = [],
): Promise<Sallyport> {
  const [command, ...args] = [...by, process.execPath, ...nodeFlags, program, 'serve', '-c', installation.file]
  const child = spawn(command as string, args, {
    cwd: installation.dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const exited = once(child, 'exit')
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${installation.consolePort}${path}`)
    return { status: answer.status, body: await answer.text() }
  }
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
  // A test that fails must not leave the program behind.
  process.once('exit', () => child.kill('SIGKILL'))
  try {
    await untilReady(child, get, () => log)
  } catch (cause) {
    await kill()
    throw cause
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    const [status] = (await exited) as [number | null]
    return status
  }
  const dispose = async () => {
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await stop()
    clearTimeout(late)
  }
  return { ...installation, child, log: () => log, get, stop, kill, [Symbol.asyncDispose]: dispose }
}

/** Runs any command of the program to its end. */
export async function runSallyport(args: readonly string[], cwd: string, options: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [...nodeFlags, program, ...args], {
    cwd: options.cwd ?? cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.on('error', () => {}).end(options.stdin ?? '')
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}

async function untilReady(child: ChildProcess, get: Sallyport['get'], log: () => string): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += 20) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`sallyport serve ended:\n${log()}`)
    const answer = await get('/readyz').catch(() => undefined)
    if (answer?.status === 200 && /\bready\b/.test(log())) return
    await delay(20)
  }
  throw new Error(`sallyport serve did not become ready:\n${log()}`)
}

function readRows(dir: string, table: string): Record<string, unknown>[] {
  const db = new Database(join(dir, 'data', 'sallyport.db'), { readonly: true, timeout: 5_000 })
  try {
    return db.prepare(`select * from ${table} order by at, id`).all() as Record<string, unknown>[]
  } finally {
    db.close()
  }
}

function filesWith(dir: string, secret: string): string[] {
  const spellings = [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    JSON.stringify(secret).slice(1, -1),
  ]
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const found = entries
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path)
      return [bytes, decompressed(bytes)].some((some) => spellings.some((spelling) => some.includes(spelling)))
    })
  // A value may lie over two pages of the database file: its rows are looked through as well.
  const database = join(dir, 'data', 'sallyport.db')
  const inRows = existsSync(database) && spellings.some((spelling) => allRows(database).includes(spelling))
  return inRows && !found.includes(database) ? [...found, database] : found
}

// Spill files are compressed.
function decompressed(bytes: Buffer): Buffer {
  const magic = bytes.toString('hex', 0, 4)
  if (magic === '28b52ffd') return zstdDecompressSync(bytes)
  return magic.startsWith('1f8b') ? gunzipSync(bytes) : bytes
}

function allRows(database: string): string {
  const db = new Database(database, { readonly: true, timeout: 5_000 })
  try {
    const tables = db.prepare(`select name from sqlite_master where type = 'table'`).pluck().all() as string[]
    const rows = tables.flatMap((table) => db.prepare(`select * from "${table}"`).raw().all() as unknown[][])
    return rows
      .flat()
      .map((value) => (Buffer.isBuffer(value) ? decompressed(value).toString('latin1') : String(value)))
      .join('\n')
  } finally {
    db.close()
  }
}

function laidOver(base: unknown, value: unknown): unknown {
  const isObject = (some: unknown) => typeof some === 'object' && some !== null && !Array.isArray(some)
  return isObject(base) && isObject(value) ? { ...(base as object), ...(value as object) } : value
}

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const program = fileURLToPath(new URL('../../bin/sallyport.mjs', import.meta.url))
const nodeFlags = ['--disable-warning=ExperimentalWarning']
