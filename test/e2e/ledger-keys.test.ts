import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { commandLine } from '../support/command-line.ts'
import { fakeProviders } from '../support/fake-providers.ts'
import { serve } from '../support/sallyport.ts'
import { startStage, type Stage } from '../support/stage.ts'

const host = 'api.openai.com'
const keyOf = (): string => randomBytes(32).toString('base64')
const env = { OLD: keyOf(), NEW: keyOf() }
const long = 'many words of a question '.repeat(5_000)

async function ask(stage: Stage, content: string): Promise<void> {
  const body = JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content }] })
  const client = await stage.connect(host)
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  assert.equal((await client.answer()).status, 200)
  client.close()
}

function setKeys(file: string, keys: readonly (readonly [id: string, name: string])[]): void {
  const config = parse(readFileSync(file, 'utf8')) as { audit: Record<string, unknown> }
  config.audit['encryption'] = { keys: keys.map(([id, name]) => ({ id, env: name })) }
  writeFileSync(file, stringify(config))
}

test('a ledger is encrypted with one key, then with another, by two workers, and stays readable with both', async () => {
  await using stage = await startStage(fakeProviders(), {
    hosts: [host],
    config: { workers: 2, audit: { encryption: { keys: [{ id: 'k1', env: 'OLD' }] } } },
    env,
  })
  const { sallyport } = stage
  await ask(stage, 'the first secret plan')
  await ask(stage, long)
  await sallyport.rowsWhen('exchanges', (rows) => rows.length === 2 && rows.every((row) => row['state'] === 'done'))
  assert.equal(await sallyport.stop(), 0)
  setKeys(sallyport.file, [
    ['k2', 'NEW'],
    ['k1', 'OLD'],
  ])
  await using again = await serve(sallyport, env)
  await ask(stage, 'the second secret plan')
  const done = await again.rowsWhen(
    'exchanges',
    (rows) => rows.length === 3 && rows.every((row) => row['state'] === 'done'),
  )
  assert.equal(await again.stop(), 0)
  assert.deepEqual(
    done.map((row) => row['body_key']),
    ['k1', 'k1', 'k2'],
  )
  for (const text of ['secret plan', 'words of a question']) assert.deepEqual(sallyport.filesWith(text), [])
  const run = (...args: string[]) => commandLine(['audit', ...args], { cwd: sallyport.dir, env })
  const verified = await run('verify')
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)
  const found = await run('find', '--text', 'secret plan', '--json')
  const bodies = found.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { request_body: string }).request_body)
  assert.deepEqual(
    bodies.map((body) => /the (first|second) secret plan/.exec(body)?.[1]),
    ['first', 'second'],
  )
  const shown = await run('show', String(done[1]?.['id']), '--body', 'request')
  assert.ok(shown.stdout.includes(long))
  // Without the old key its rows say which one they want, and the chain still holds.
  setKeys(sallyport.file, [['k2', 'NEW']])
  const locked = await run('show', String(done[0]?.['id']))
  assert.match(locked.stderr, /the request body is not shown: it is sealed by the key "k1"/)
  assert.match(locked.stdout, /body_key +k1/)
  const without = await run('verify')
  assert.equal(without.status, 0, without.stdout + without.stderr)
  // Nor does a program start whose key is gone.
  const refused = await sallyport.run(['serve'], { env: { NEW: 'short' } })
  assert.equal(refused.status, 1)
  assert.match(
    refused.stderr,
    /audit\.encryption\.keys\[0\] \(k2\): the environment variable NEW does not hold a key of 32 bytes/,
  )
  const all = [sallyport.log(), again.log(), refused.stderr, JSON.stringify(again.rows('events'))].join('\n')
  for (const key of Object.values(env)) assert.ok(!all.includes(key) && sallyport.filesWith(key).length === 0)
  assert.ok(readFileSync(join(sallyport.dir, 'sallyport.yaml'), 'utf8').includes('NEW'))
})
