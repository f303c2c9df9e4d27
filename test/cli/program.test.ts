import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commandLine } from '../support/command-line.ts'
import { runSallyport } from '../support/sallyport.ts'
import { tempFolder } from '../support/temp.ts'

const cwd = tempFolder('program')
writeFileSync(join(cwd, 'bad.yaml'), 'proxy: { lisen: ":1" }\nlog: { level: "a\\u001b[31m" }\n')

test('the version is that of the package', async () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { status, stdout } = await commandLine(['--version'], { cwd })
  assert.deepEqual([status, stdout], [0, `${(JSON.parse(text) as { version: string }).version}\n`])
})

const wrong: [string[], string, string][] = [
  [['confg'], "unknown command 'confg'", 'did you mean config?'],
  [['config', 'chek'], "unknown command 'chek'", 'did you mean check?'],
  [['config', 'show', '--jsn'], "unknown option '--jsn'", 'did you mean --json?'],
  [['config', 'check', '-c'], "option '-c, --config <file>' argument missing", 'see `sallyport --help`'],
  [
    ['config', 'check', 'extra'],
    "too many arguments for 'check'. Expected 0 arguments but got 1: extra.",
    'see `sallyport --help`',
  ],
  [['--nope'], "unknown option '--nope'", 'see `sallyport --help`'],
]

for (const [args, error, hint] of wrong) {
  test(`sallyport ${args.join(' ')} is wrong usage`, async () => {
    const { status, stdout, stderr } = await commandLine(args, { cwd })
    assert.equal(stderr, `error: ${error}\nhint: ${hint}\n`)
    assert.deepEqual([status, stdout], [2, ''])
  })
}

for (const args of [[], ['config']]) {
  test(`sallyport ${args.join(' ')}: without a command it prints the help on standard error`, async () => {
    const { status, stdout, stderr } = await commandLine(args, { cwd })
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /^Usage: sallyport/)
  })
}

test('each problem is a line of its own, safe for a terminal, without a stack', async () => {
  const { status, stdout, stderr } = await commandLine(['config', 'check', '-c', 'bad.yaml'], { cwd })
  assert.deepEqual([status, stdout], [1, ''])
  const lines = stderr.trimEnd().split('\n')
  assert.equal(lines.length, 3)
  assert.equal(lines[0], 'error: bad.yaml:1:10: unknown key lisen in proxy (did you mean listen?)')
  assert.match(lines[1] ?? '', /^error: bad\.yaml:2:15: /)
  assert.match(lines[2] ?? '', /^hint: /)
  assert.ok(!stderr.includes('\u001B'))
})

for (const args of [
  ['--debug', 'config', 'check', '-c', 'bad.yaml'],
  ['config', 'check', '-c', 'bad.yaml', '--debug'],
]) {
  test(`sallyport ${args.join(' ')} prints where the error was made`, async () => {
    const { status, stderr } = await commandLine(args, { cwd })
    assert.equal(status, 1)
    assert.match(stderr, /\n\s+at .*config\.ts:\d/)
  })
}

test('the help of an inner command has its own examples only', async () => {
  const examplesOf = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await commandLine([...args, '--help'], { cwd })
    return [...stdout.matchAll(/^ {2}\$ (.*)$/gm)].map(([, example]) => example ?? '')
  }
  assert.deepEqual(await examplesOf('key', 'rotate'), ['sallyport key rotate 0197a3c2 --overlap 24h'])
  assert.deepEqual(await examplesOf('audit', 'tail'), ['sallyport audit tail'])
})

test('what stands behind -- is not for the program', async () => {
  const { stderr } = await commandLine(['config', 'check', '--', '--debug'], { cwd })
  assert.doesNotMatch(stderr, /\n\s+at /)
})

test('the configuration file may be named before the inner command', async () => {
  const before = await commandLine(['config', '-c', 'bad.yaml', 'check'], { cwd })
  const behind = await commandLine(['config', 'check', '-c', 'bad.yaml'], { cwd })
  assert.deepEqual(before, behind)
})

test('the program itself ends with the status, and says the same', async () => {
  const ran = await runSallyport(['config', 'check', '-c', 'bad.yaml'], cwd)
  assert.deepEqual(ran, await commandLine(['config', 'check', '-c', 'bad.yaml'], { cwd }))
  assert.equal((await runSallyport(['confg'], cwd)).status, 2)
  assert.equal((await runSallyport(['config', 'check'], cwd)).status, 0)
})

test('a reader that goes away is no failure', async () => {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, 'config', 'schema'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  assert.deepEqual([status, stderr], [0, ''])
})

test('help loads no command: neither the schema library nor the database', async () => {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const loaded = await new Promise<string>((resolve, reject) => {
    const env = { ...process.env, NODE_DEBUG: 'esm,module' }
    execFile(process.execPath, [main, '--help'], { cwd, env, maxBuffer: 2 ** 26 }, (error, _out, stderr) => {
      if (error === null) resolve(stderr)
      else reject(error)
    })
  })
  assert.match(loaded, /node_modules\/commander\//)
  assert.doesNotMatch(loaded, /node_modules\/(zod|better-sqlite3|undici|pino|yaml)\//)
})
