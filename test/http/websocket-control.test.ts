import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closePayload } from '../../src/http/websocket-close.ts'
import { judgeControl, type ControlOutcome } from '../../src/http/websocket-control.ts'
import { opcodes, type Frame } from '../../src/http/websocket-frame.ts'
import type { Judge } from '../../src/http/websocket-judge.ts'

const { ping, close } = opcodes
const replaced: Judge = async (_, { text }) => ({ kind: 'replace', text: `[${text}]` })
const refused: Judge = async () => ({ kind: 'close', reason: 'rule' })
const long: Judge = async () => ({ kind: 'replace', text: 'x'.repeat(124) })
const nobody: Judge = async () => assert.fail('there is nothing to judge')

const cases: [string, number, Buffer, Judge, ControlOutcome][] = [
  ['an empty ping passes', ping, Buffer.alloc(0), nobody, { kind: 'pass' }],
  ['a ping is judged', ping, Buffer.from('a'), replaced, { kind: 'replace', payload: Buffer.from('[a]') }],
  ['a verdict ends it', ping, Buffer.from('a'), refused, { kind: 'stop', code: 1008, reason: 'rule' }],
  ['a Close without a reason passes', close, closePayload(1000, ''), nobody, { kind: 'pass' }],
  [
    'a reason is judged',
    close,
    closePayload(1000, 'a'),
    replaced,
    { kind: 'replace', payload: closePayload(1000, '[a]') },
  ],
]

for (const [name, opcode, payload, judge, outcome] of cases) {
  test(name, async () => assert.deepEqual(await judgeControl(frame(opcode, payload), 'up', judge), outcome))
}

test('a Close that cannot be read, and a text that does not fit, end it', async () => {
  const odd = await judgeControl(frame(close, Buffer.from([3])), 'up', nobody)
  assert.equal(odd.kind === 'stop' && odd.code, 1002)
  const much = await judgeControl(frame(ping, Buffer.from('a')), 'up', long)
  assert.equal(much.kind === 'stop' && much.code, 1008)
})

test('a payload that is not UTF-8 is judged without a text', async () => {
  const judge: Judge = async (way, message) => {
    assert.deepEqual([way, message], ['down', { text: undefined, bytes: 1, control: true }])
    return { kind: 'pass' }
  }
  assert.deepEqual(await judgeControl(frame(ping, Buffer.from([0xff])), 'down', judge), { kind: 'pass' })
})

function frame(opcode: number, payload: Buffer): Frame {
  return { opcode, payload, fin: true, rsv1: false, masked: true, raw: payload }
}
