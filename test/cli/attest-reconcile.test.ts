import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandLine } from '../support/command-line.ts'
import { writtenLedger } from '../support/written-ledger.ts'
import { tempFolder } from '../support/temp.ts'

const cwd = tempFolder('reconcile')
const attested = (outcome: string, jti: string) => ({
  attestation: JSON.stringify({ outcome, device: 'laptop-7', jti, policy: 'p1' }),
  host: 'api.openai.com',
  port: 443,
})

const endpoint = writtenLedger(join(cwd, 'endpoint'))
endpoint.exchanges(attested('signed', 'jti-1'), { state: 'lost' })
endpoint.close()
const proxy = writtenLedger(join(cwd, 'proxy'))
proxy.connections(attested('valid', 'jti-1'))
proxy.close()
const robbed = writtenLedger(join(cwd, 'robbed'))
robbed.connections(attested('valid', 'jti-1'), attested('valid', 'jti-2'))
robbed.close()

const run = (...args: string[]) => commandLine(['attest', 'reconcile', ...args], { cwd })

test('two ledgers that tell the same end with 0', async () => {
  const found = await run('endpoint/sallyport.db', 'proxy/sallyport.db')
  assert.equal(found.status, 0, found.stderr)
  assert.match(
    found.stdout,
    /A .*endpoint\/sallyport\.db: 1 sent, 0 received\nB .*: 0 sent, 1 received\nboth  1 valid\nok: /,
  )
  assert.match(found.stderr, /note: lost, .*: 1 exchange of A\n/)
})

test('a token of which only one tells is named, and ends with 1', async () => {
  const found = await run('endpoint/sallyport.db', 'robbed/sallyport.db')
  assert.equal(found.status, 1)
  assert.match(found.stdout, /^only-received  B  \S+  api\.openai\.com:443  laptop-7  valid  jti-2  connections  \S+\n/)
  assert.match(found.stdout, /\nfailed: 1 only-received\n$/)
})

test('with --json each is a line, and the last line counts', async () => {
  const found = await run('endpoint/sallyport.db', 'robbed/sallyport.db', '--json')
  const lines = found.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual([lines[0]?.['what'], lines[0]?.['jti']], ['only-received', 'jti-2'])
  assert.deepEqual([lines[1]?.['ok'], lines[1]?.['both']], [false, { valid: 1 }])
})

test('wrong usage is told as such', async () => {
  for (const args of [
    ['endpoint/sallyport.db'],
    ['endpoint/sallyport.db', 'endpoint/sallyport.db'],
    ['endpoint/sallyport.db', 'proxy/sallyport.db', '--since', 'soon'],
    ['endpoint/sallyport.db', 'proxy/sallyport.db', '--device', 'a/b'],
  ]) {
    assert.equal((await run(...args)).status, 2, args.join(' '))
  }
  const missing = await run('endpoint/sallyport.db', 'nowhere.db')
  assert.deepEqual([missing.status, missing.stderr.startsWith('error: there is no ledger')], [1, true])
})
