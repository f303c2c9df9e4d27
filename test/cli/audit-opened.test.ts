import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startRecorder } from '../../src/audit/recorder.ts'
import { commandLine } from '../support/command-line.ts'
import { doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

const key = randomBytes(32)

async function filled(): Promise<string> {
  const cwd = tempFolder('audit-opened')
  writeFileSync(join(cwd, 'sallyport.yaml'), 'audit: { encryption: { keys: [{ id: k1, env: KEY }] } }\n')
  writeFileSync(join(cwd, 'without.yaml'), '')
  const dir = join(cwd, 'data')
  for (const sealing of [undefined, { id: 'k1', key }]) {
    const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 1_000, key: sealing })
    for (const requestBody of ['one', 'two']) {
      const row = openRow({ requestBody })
      recorder.once(row, doneRow(row.id, { requestBody: null, responseBody: null }))
    }
    await recorder.close()
  }
  return cwd
}

for (const command of [['find'], ['tail', '--no-follow']]) {
  test(`${command[0]} --json prints inline bodies as they are, encrypted or not, and which key is missing once`, async () => {
    const cwd = await filled()
    const bodies = async (args: readonly string[], env: Record<string, string>) => {
      const { stdout, stderr } = await commandLine(['audit', ...command, '--json', ...args], { cwd, env })
      const rows = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { request_body: string | null })
      return { found: rows.map((row) => row.request_body), stderr }
    }
    const all = ['one', 'two', 'one', 'two']
    assert.deepEqual(await bodies([], { KEY: key.toString('hex') }), { found: all, stderr: '' })
    const { found, stderr } = await bodies(['-c', 'without.yaml'], {})
    assert.deepEqual(found, ['one', 'two', null, null])
    assert.equal(
      stderr,
      'note: a request body is not shown: it is sealed by the key "k1", which is not in audit.encryption\n',
    )
    // What prints no bodies needs no keys.
    assert.equal((await commandLine(['audit', ...command], { cwd })).status, 0)
  })
}
