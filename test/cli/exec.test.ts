import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testAuthority } from '../support/authority.ts'
import { fakeProviders } from '../support/fake-providers.ts'
import { startOrigin, type Origin } from '../support/origin.ts'
import { installSallyport, serve, type Installation } from '../support/sallyport.ts'

const host = 'api.openai.com'
const secret = 'AKIAZK3QXW5TN7RBJ2VD'
const authority = testAuthority()
let origin: Origin
let installation: Installation

before(async () => {
  origin = await startOrigin(fakeProviders(), { authority, names: [host] })
  installation = await installSallyport({ authority, origins: { [`${host}:443`]: origin } })
  writeFileSync(join(installation.dir, 'ask.mjs'), ask)
})

after(() => origin.close())

const ask = `
const answer = await fetch('https://${host}/v1/chat/completions', {
  method: 'POST', headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content: 'key ${secret}.' }] }),
})
console.log((await answer.json()).choices[0].message.content)
`
const node = ['--', process.execPath, '--disable-warning=ExperimentalWarning']

test('a command runs through a private instance when none is running, and --report tells what was seen', async () => {
  const ran = await installation.run(['exec', '--report', ...node, 'ask.mjs'])
  assert.equal(ran.status, 0, ran.stderr)
  assert.equal(ran.stdout, `key ${secret}.\n`)
  assert.ok(!origin.seen.at(-1)?.text().includes(secret))
  assert.match(ran.stderr, /sallyport: 1 exchange inspected, 0 connections not inspected/)
  assert.match(
    ran.stderr,
    /tokenize {2}POST api\.openai\.com\/v1\/chat\/completions {2}200 .*SECRET:aws-access-key \(tokenize\)/,
  )
  assert.ok(!ran.stderr.includes(secret))
})

test('a command goes through the running instance, and the report is about this command only', async () => {
  await using sallyport = await serve(installation)
  const before = sallyport.rows('exchanges').length
  const ran = await installation.run(['exec', '--report', ...node, 'ask.mjs'])
  assert.deepEqual([ran.status, ran.stdout], [0, `key ${secret}.\n`])
  assert.equal(sallyport.rows('exchanges').length, before + 1)
  const { body } = await sallyport.get('/metrics')
  assert.match(body, /sallyport_exchanges_total\{[^}]*provider="openai"[^}]*\} 1/)
  assert.match(ran.stderr, /1 exchange inspected/)
})

const environment =
  'console.log(JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([name]) => /proxy|_CA|SSL_|SALLYPORT|CERT|BUNDLE/i.test(name)))))'

test('the command sees proxy and certificate variables in every spelling', async () => {
  const ran = await installation.run(['exec', ...node, '-e', environment], { env: { HTTPS_PROXY: 'http://elsewhere' } })
  const env = JSON.parse(ran.stdout) as Record<string, string>
  const proxy = env['HTTPS_PROXY'] as string
  assert.match(proxy, /^http:\/\/127\.0\.0\.1:\d+$/)
  for (const name of ['https_proxy', 'HTTP_PROXY', 'http_proxy']) assert.equal(env[name], proxy, name)
  assert.match(env['NO_PROXY'] as string, /127\.0\.0\.1/)
  assert.equal(env['NODE_USE_ENV_PROXY'], '1')
  assert.match(env['NODE_EXTRA_CA_CERTS'] as string, /ca\.pem$/)
  for (const name of ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'AWS_CA_BUNDLE'])
    assert.match(env[name] as string, /bundle\.pem$/, name)
})

const endings: [what: string, command: readonly string[], status: number, stderr: RegExp][] = [
  ['its own exit status', [process.execPath, '-e', 'process.exit(7)'], 7, /^$/],
  [
    '128 and the number of the signal that ended it',
    [process.execPath, '-e', "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 9e3)"],
    143,
    /^$/,
  ],
  [
    '127 when there is no such command',
    ['./no-such-command'],
    127,
    /^error: cannot run \.\/no-such-command: command not found$/m,
  ],
  ['126 when it may not be run', ['./ask.mjs'], 126, /^error: cannot run \.\/ask\.mjs/m],
]

for (const [what, command, status, stderr] of endings) {
  test(`a command gives ${what}`, async () => {
    const ran = await installation.run(['exec', '--', ...command])
    assert.equal(ran.status, status, ran.stderr)
    assert.match(ran.stderr, stderr)
  })
}

test('standard input and arguments reach the command as they are', async () => {
  const script =
    "process.stdin.on('data', (c) => process.stdout.write(c)).on('end', () => console.log(process.argv.slice(2).join('|')))"
  const ran = await installation.run(['exec', '--', process.execPath, '-e', script, 'x', '--report', '-c', 'a b'], {
    stdin: 'from outside ',
  })
  assert.equal(ran.stdout, 'from outside --report|-c|a b\n')
})

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} is passed on, and what the command then does counts`, async () => {
    const child = spawn(
      process.execPath,
      [program, 'exec', '-c', installation.file, '--', process.execPath, '-e', handles],
      { cwd: installation.dir, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    child.kill(signal)
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    assert.equal(String(said), `got ${signal}\n`)
    assert.deepEqual(await once(child, 'exit'), [5, null])
  })
}

const handles =
  "for (const s of ['SIGTERM','SIGINT','SIGHUP']) process.on(s, () => { console.log('got ' + s); setTimeout(() => process.exit(5), 20) }); console.log('up'); setInterval(() => {}, 1e3)"

test('exec without a command is wrong usage', async () => {
  assert.equal((await installation.run(['exec'])).status, 2)
  assert.equal((await installation.run(['exec', '--'])).status, 2)
})

const program = fileURLToPath(new URL('../../bin/sallyport.mjs', import.meta.url))
