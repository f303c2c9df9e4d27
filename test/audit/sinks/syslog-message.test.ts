import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { linesOf } from '../../../src/audit/sinks/lines.ts'
import { facilities, octetCounted, syslogMessage } from '../../../src/audit/sinks/syslog-message.ts'
import { eventRow, exchangeRow, sinkContext } from '../../support/export-rows.ts'
import { octetReader, parseSyslog } from '../../support/syslog-parser.ts'

const header = { facility: 'local0', procId: 42, bom: true } as const
const messageOf = (row: ReturnType<typeof eventRow>, context = sinkContext) =>
  syslogMessage(linesOf([row], 'json', context)[0] as ReturnType<typeof linesOf>[0], header, context)

test('the header says who, when, what and how grave', () => {
  const { priority, timestamp, hostname, appName, procId, msgId, bom } = parseSyslog(messageOf(exchangeRow(1)))
  assert.deepEqual(
    [priority >> 3, timestamp, hostname, appName, procId, msgId, bom],
    [facilities.indexOf('local0'), exchangeRow(1).row.at, 'gate-1.example', 'sallyport', '42', 'exchanges', true],
  )
  const blocked = parseSyslog(messageOf(exchangeRow(1, { decision: 'block' }))).priority & 7
  const allowed = parseSyslog(messageOf(exchangeRow(1, { decision: 'allow', findings: [] }))).priority & 7
  assert.ok(blocked < allowed, 'a smaller number is graver')
})

test('whatever a row and a host name hold, the message is one of RFC 5424 and comes out of its frame whole', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, text, text, (id, who, hostname) => {
      const message = messageOf(eventRow(1, { id: `x${id.replaceAll(/[\u0000-\u001f\u007f]/g, '')}`, who }), {
        ...sinkContext,
        hostname,
      })
      const [read] = octetReader().push(octetCounted(message))
      const { data, text: line } = parseSyslog(read as Buffer)
      assert.ok(data['sallyport@32473']?.id?.startsWith('x'))
      assert.doesNotThrow(() => JSON.parse(line))
    }),
  )
})

test('a host without a name is called so', () => {
  assert.equal(parseSyslog(messageOf(eventRow(1), { ...sinkContext, hostname: '' })).hostname, '-')
  assert.equal(
    parseSyslog(messageOf(eventRow(1), { ...sinkContext, hostname: 'ä b'.repeat(100) })).hostname.length,
    255,
  )
})
