import assert from 'node:assert/strict'
import { test } from 'node:test'
import { octetReader, parseSyslog } from './syslog-parser.ts'

const good =
  '<134>1 2026-11-21T03:00:00.125Z gate sallyport 12 events [a@32473 x="1\\]\\"\\\\" y=""][b@32473] \uFEFFgrüße'

test('a message has all its parts', () => {
  assert.deepEqual(parseSyslog(Buffer.from(good)), {
    priority: 134,
    timestamp: '2026-11-21T03:00:00.125Z',
    hostname: 'gate',
    appName: 'sallyport',
    procId: '12',
    msgId: 'events',
    data: { 'a@32473': { x: '1]"\\', y: '' }, 'b@32473': {} },
    bom: true,
    text: 'grüße',
  })
})

test('a message that is cut anywhere before its text is wrong', () => {
  const bytes = Buffer.from(good)
  const whole = Buffer.from(good.slice(0, good.indexOf('[b@'))).length
  const end = Buffer.from(good.slice(0, good.indexOf(' \uFEFF'))).length
  for (let cut = 0; cut < end; cut++)
    if (cut !== whole) assert.throws(() => parseSyslog(bytes.subarray(0, cut)), `cut at ${cut}`)
})

const bad = [
  good.replace('<134>', '<192>'),
  good.replace('<134>', '<034>'),
  good.replace('>1 ', '>2 '),
  good.replace('2026-11-21', '2026-13-21'),
  good.replace('.125Z', '.1234567Z'),
  good.replace('gate', 'gäte'),
  good.replace('\\]', ']'),
  good.replace('\uFEFF', ''),
  good.replace('grüße', 'a\nb'),
  good.replace('[b@32473]', '[a@32473]'),
  good.replace('] ', ']'),
]

test('what RFC 5424 does not allow is wrong', () => {
  for (const text of bad) assert.throws(() => parseSyslog(Buffer.from(text)), text)
})

test('messages come out of a stream however it is cut', () => {
  const messages = ['a', 'b c', '12 34', 'x'.repeat(300)]
  const stream = Buffer.from(messages.map((text) => `${text.length} ${text}`).join(''))
  for (let cut = 0; cut <= stream.length; cut++) {
    const reader = octetReader()
    const read = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))]
    assert.deepEqual(read.map(String), messages, `cut at ${cut}`)
    assert.equal(reader.rest(), 0)
  }
})

test('a length that is none is wrong', () => {
  for (const text of ['x 1', '0 ', '01 x', '<134>1', '99999999', '2000000 x'])
    assert.throws(() => octetReader().push(Buffer.from(text)), text)
})
