import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { startRecorder } from '../../src/audit/recorder.ts'
import { spillName } from '../../src/audit/bodies/spill-file.ts'
import { runProgram } from '../../src/cli/program.ts'
import { commandLine } from '../support/command-line.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

const key = randomBytes(32)
const env = { KEY: key.toString('base64') }
const question = '{"prompt":"what nobody may read"}'
const binary = Buffer.concat([Buffer.from([0xff, 0, 0x1b]), randomBytes(300_000)])

async function filled(): Promise<{ cwd: string; id: string; file: string }> {
  const cwd = tempFolder('audit-show')
  writeFileSync(join(cwd, 'sallyport.yaml'), 'audit: { encryption: { keys: [{ id: k1, env: KEY }] } }\n')
  writeFileSync(join(cwd, 'without.yaml'), '')
  const sealing = { id: 'k1', key }
  const recorder = startRecorder({ dir: join(cwd, 'data'), durability: 'relaxed', inlineBytes: 1_000, key: sealing })
  const row = openRow({ requestBody: question })
  const response = { responseContent: binary, responseSpill: spillName(row.id, 'response') }
  recorder.once(row, doneRow(row.id, { requestBody: null, responseBody: null, ...response }))
  await recorder.close()
  return { cwd, id: row.id, file: join(cwd, 'data', spillName(row.id, 'response')) }
}

const show = (cwd: string, args: readonly string[], more: Record<string, string> = env) =>
  commandLine(['audit', 'show', ...args], { cwd, env: more })

test('encrypted bodies are shown with the key of the configuration; what is not text, on demand', async () => {
  const { cwd, id } = await filled()
  const { status, stdout, stderr } = await show(cwd, [id])
  assert.equal(status, 0)
  assert.match(stdout, /request body\n\{\n {2}"prompt": "what nobody may read"\n\}/)
  assert.match(stdout, /body_key +k1/)
  assert.equal(stderr, 'note: the response body is not text: `--body response` prints it\n')
  const row = JSON.parse((await show(cwd, [id, '--json'])).stdout) as Record<string, unknown>
  assert.deepEqual([row['request_body'], row['response_body_base64']], [question, binary.toString('base64')])
})

test('one body is printed byte by byte', async () => {
  const { cwd, id } = await filled()
  const stdout = new PassThrough()
  const printed: Buffer[] = []
  stdout.on('data', (piece: Buffer) => printed.push(piece))
  const io = { stdin: Readable.from([]), stdout, stderr: new PassThrough(), env, cwd }
  assert.equal(await runProgram(['audit', 'show', id, '--body', 'response'], io), 0)
  const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  assert.equal(sum(Buffer.concat(printed)), sum(binary))
  assert.equal((await show(cwd, [id, '--body', 'request'])).stdout, question)
})

test('without the key, or from a damaged file, nothing of a body is printed, and why is told', async () => {
  const { cwd, id, file } = await filled()
  const without = await show(cwd, [id, '-c', 'without.yaml'])
  assert.equal(without.status, 0)
  assert.match(
    without.stderr,
    /note: the request body is not shown: it is sealed by the key "k1", which is not in audit/,
  )
  assert.doesNotMatch(without.stdout, /request body\n/)
  const unset = await show(cwd, [id], {})
  assert.equal(unset.status, 1)
  assert.match(unset.stderr, /^error: audit\.encryption\.keys\[0\] \(k1\): the environment variable KEY is not set/)
  truncateSync(file, 200_000)
  const cut = await show(cwd, [id, '--body', 'response'])
  assert.deepEqual([cut.status, cut.stdout], [1, ''])
  assert.match(cut.stderr, /^error: the response body cannot be printed: .* is cut or damaged\n/)
})

test('an id that is none, or the beginning of several, and a side that is none', async () => {
  const { cwd } = await filled()
  assert.match((await show(cwd, ['ffff'])).stderr, /^error: no row has the id "ffff"\nhint: /)
  assert.equal((await show(cwd, ['ffff', '--body', 'request'])).status, 1)
  assert.equal((await show(cwd, ['0', '--body', 'both'])).status, 2)
})

test('a text is found in encrypted bodies with their key; without it they are counted as not searched', async () => {
  const { cwd, id } = await filled()
  const find = (more: readonly string[], env_: Record<string, string>) =>
    commandLine(['audit', 'find', '--text', 'NOBODY may', ...more], { cwd, env: env_ })
  assert.ok((await find([], env)).stdout.includes(id))
  const without = await find(['-c', 'without.yaml'], {})
  assert.deepEqual([without.status, without.stdout], [0, ''])
  assert.match(without.stderr, /note: 2 bodies could not be read/)
  // The base64 of a sealed body is no text of the exchange.
  const { stdout } = await commandLine(['audit', 'find', '--text', 'U1BC'], { cwd, env })
  assert.equal(stdout, '')
})
