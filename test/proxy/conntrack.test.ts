import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { destinationIn, trackedDestination, type Destination, type Flow } from '../../src/proxy/conntrack.ts'
import { tempFolder } from '../support/temp.ts'

const flow: Flow = { client: '192.0.2.10', clientPort: 40_000, local: '127.0.0.1', localPort: 3129 }
const flow6: Flow = { client: '2001:db8::10', clientPort: 40_001, local: '::1', localPort: 3129 }
const opened = 'src=192.0.2.10 dst=203.0.113.5 sport=40000 dport=443'
const answers = 'src=127.0.0.1 dst=192.0.2.10 sport=3129 dport=40000'
const line = `ipv4     2 tcp      6 431999 ESTABLISHED ${opened} ${answers} [ASSURED] mark=0 zone=0 use=2`
const line6 =
  'ipv6     10 tcp      6 300 ESTABLISHED src=2001:0db8:0000:0000:0000:0000:0000:0010 dst=2606:4700:0000:0000:0000:0000:0000:0001 sport=40001 dport=8443 ' +
  'src=0000:0000:0000:0000:0000:0000:0000:0001 dst=2001:0db8:0000:0000:0000:0000:0000:0010 sport=3129 dport=40001 [ASSURED] mark=0 use=2'
const there: Destination = { address: '203.0.113.5', port: 443 }

const cases: [what: string, line: string, about: Flow, found: Destination | undefined][] = [
  ['its own', line, flow, there],
  ['its own, of IPv6', line6, flow6, { address: '2606:4700::1', port: 8443 }],
  ['its own, counted', line.replaceAll(' src', ' packets=3 bytes=180 src'), flow, there],
  ['another client', line.replaceAll('192.0.2.10', '192.0.2.11'), flow, undefined],
  ['another port of the client', line.replaceAll('40000', '40009'), flow, undefined],
  ['one to another listener', line.replace('sport=3129', 'sport=3130'), flow, undefined],
  ['one to another address of ours', line.replace('src=127.0.0.1', 'src=127.0.0.2'), flow, undefined],
  ['UDP', line.replace('tcp      6', 'udp      17'), flow, undefined],
  [
    'one that was not redirected',
    line.replaceAll('203.0.113.5', '127.0.0.1').replace('dport=443', 'dport=3129'),
    flow,
    { address: '127.0.0.1', port: 3129 },
  ],
  ['a port that is none', line.replace('dport=443', 'dport=70000'), flow, undefined],
  ['nothing', '', flow, undefined],
]

for (const [what, text, about, found] of cases) {
  test(`a line of the table about ${what} tells ${found === undefined ? 'nothing' : found.address}`, () => {
    assert.deepEqual(destinationIn(text, about), found)
  })
}

test('a line that is cut anywhere tells the same or nothing', () => {
  for (const [text, about] of [
    [line, flow],
    [line6, flow6],
  ] as const) {
    const whole = destinationIn(text, about)
    for (let cut = 0; cut < text.length; cut += 1) {
      const told = destinationIn(text.slice(0, cut), about)
      assert.ok(told === undefined || told.port === whole?.port, `cut at ${cut}: ${JSON.stringify(told)}`)
    }
  }
})

test('a connection is found in a long table, and one that is not in it is not', async () => {
  const file = join(tempFolder('conntrack'), 'nf_conntrack')
  const others = Array.from({ length: 3_000 }, (_, i) => line.replaceAll('40000', String(10_000 + i)))
  writeFileSync(file, [...others, line, ...others, ''].join('\n'))
  const look = trackedDestination(file)
  assert.deepEqual(await look(flow), there)
  assert.equal(await look({ ...flow, clientPort: 50_000 }), undefined)
  assert.equal(await look(flow6), undefined)
})

test('a table that cannot be read tells nothing', async () => {
  assert.equal(await trackedDestination(join(tempFolder('conntrack'), 'missing'))(flow), undefined)
})
