import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import nacl from 'tweetnacl'
import { json } from '../../../src/audit/formats/json.ts'
import type { ExportRow } from '../../../src/audit/sinks/sink.ts'
import { checkpointText } from '../../../src/audit/checkpoints/checkpoints.ts'
import type { CheckpointLine } from '../../../src/audit/verify/source.ts'
import {
  checkpointLine,
  checkpointLines,
  fingerprintOf,
  isSigned,
  publicKeys,
  type Statement,
  statementOf,
} from '../../../src/audit/verify/statement.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const key = publicKey.export({ format: 'jwk' }).x ?? ''
const said: Statement = {
  sallyport: 'checkpoint',
  version: 1,
  ledger: 'a'.repeat(64),
  number: 2,
  at: '2026-11-21T03:00:00.000Z',
  reason: 'interval',
  block: 7,
  link: 'b'.repeat(64),
  entries: 12,
  previous: 'c'.repeat(64),
  removed: null,
  key,
}

function line(over: Partial<Record<keyof Statement, unknown>> = {}): CheckpointLine {
  const statement = JSON.stringify({ ...said, ...over })
  const { number, at, reason, block } = said
  return { number, at, reason, block, statement, signature: sign(null, Buffer.from(statement), privateKey) }
}

test('a statement is read, and its signature is one of Ed25519 for other implementations too', () => {
  const one = line()
  assert.deepEqual(statementOf(one), said)
  assert.ok(isSigned(one, key))
  assert.ok(nacl.sign.detached.verify(Buffer.from(one.statement), one.signature, Buffer.from(key, 'base64url')))
})

test('what is no statement, or says another thing than its columns, is none', () => {
  const cases: Partial<Record<keyof Statement, unknown>>[] = [
    { sallyport: 'other' },
    { version: 2 },
    { number: 3 },
    { number: '2' },
    { at: 'then' },
    { reason: 'demand' },
    { block: 7.5 },
    { entries: null },
    { link: 'B'.repeat(64) },
    { ledger: '' },
    { previous: 'x' },
    { removed: {} },
    { removed: [] },
    { key: null },
  ]
  for (const over of cases) assert.equal(statementOf(line(over)), undefined, JSON.stringify(over))
  for (const statement of ['', 'null', '[]', '1', '{']) assert.equal(statementOf({ ...line(), statement }), undefined)
})

test('one bit less, or another key, is not signed', () => {
  const one = line()
  const other = Buffer.from(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? '').toString()
  assert.equal(isSigned(one, other), false)
  assert.equal(isSigned(one, 'x'), false)
  assert.equal(isSigned({ ...one, statement: `${one.statement} ` }, key), false)
  assert.equal(isSigned({ ...one, signature: one.signature.subarray(1) }, key), false)
})

test('a checkpoint in a file is read as it was written; cut at any byte it is none', () => {
  const text = checkpointText(line())
  assert.deepEqual(checkpointLine(text), line())
  assert.deepEqual(checkpointLines(`${text}\n${text}`), [line(), line()])
  for (let end = 0; end < text.length - 1; end += 1) assert.equal(checkpointLine(text.slice(0, end)), undefined)
  assert.throws(() => checkpointLines(`${text}{}\n`), /line 2 is not a checkpoint/)
})

test('a file that a sink wrote, in JSON, will do: its other rows are passed over', () => {
  const { statement, signature } = line()
  const row = {
    number: 2,
    at: said.at,
    reason: said.reason,
    block: 7,
    statement,
    signature: Buffer.from(signature).toString('base64url'),
  }
  const rows: ExportRow[] = [
    { table: 'events', row: { id: 'x' }, block: 6 },
    { table: 'checkpoints', row, block: 7 },
  ]
  const text = rows.flatMap((one) => json.lines(one)).join('\n')
  assert.deepEqual(checkpointLines(text), [line()])
  assert.throws(() => checkpointLines('{"table":"other"}'), /line 1 is not/)
})

test('a file of keys may hold several, and only such keys', () => {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
  assert.deepEqual(publicKeys(pem), [key])
  assert.deepEqual(publicKeys(`older\n${pem}${pem}`), [key, key])
  for (const text of ['', 'x', rsa, pem.slice(0, 60)]) assert.throws(() => publicKeys(text))
  assert.match(fingerprintOf(key), /^sha256:[0-9a-f]{64}$/)
})
