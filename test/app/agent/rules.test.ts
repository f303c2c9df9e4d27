import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RELEASE, captureCommand, redirects } from '../../../src/app/agent/rules.ts'
import type { Capture } from '../../../src/app/agent/rules.ts'
import { specialNetworks } from '../../../src/lib/ip.ts'

const capture: Capture = {
  who: { kind: 'users', uids: [1000, 1001] },
  group: 60_706,
  ipv4: { host: '127.0.0.1', port: 3129 },
  ipv6: { host: '::1', port: 3130 },
  opened: [],
}
const commands = (change: Partial<Capture> = {}): string[] => captureCommand({ ...capture, ...change }).split('; ')
const rulesOf = (chain: string, change: Partial<Capture> = {}): string[] =>
  commands(change)
    .filter((command) => command.startsWith(`add rule inet sallyport_agent ${chain} `))
    .map((command) => command.slice(`add rule inet sallyport_agent ${chain} `.length))

test('everything is one line, for a table that belongs to whom the line is sent by', () => {
  const line = captureCommand(capture)
  assert.ok(!line.includes('\n'))
  assert.match(line, /^add table inet sallyport_agent \{ flags owner; \}; /)
})

test('the line may be sent again: what was there is flushed before it is said anew', () => {
  const all = commands({ opened: ['10.0.0.0/8'] })
  const flush = all.indexOf('flush table inet sallyport_agent')
  const firstRule = all.findIndex((command) => command.startsWith('add rule'))
  const firstElement = all.findIndex((command) => command.startsWith('add element'))
  assert.ok(flush > 0 && flush < firstRule && flush < firstElement)
  for (const set of ['opened4', 'opened6', 'left4', 'left6']) {
    const at = all.indexOf(`flush set inet sallyport_agent ${set}`)
    assert.ok(at > 0 && at < firstElement, set)
  }
})

test('every rule that begins a redirection or a refusal leaves the traffic of our own group alone', () => {
  for (const who of [
    capture.who,
    { kind: 'machine', except: [] },
    { kind: 'machine', except: [7] },
  ] satisfies Capture['who'][]) {
    const starts = [...rulesOf('outgoing', { who, ipv6: undefined }), ...rulesOf('refused', { who, ipv6: undefined })]
    assert.equal(starts.length, 4)
    for (const rule of starts) assert.match(rule, /^meta skgid != 60706 /)
  }
})

const whose: readonly (readonly [Capture['who'], string])[] = [
  [{ kind: 'users', uids: [1000, 1001] }, 'meta skgid != 60706 meta skuid { 1000, 1001 } tcp dport'],
  [{ kind: 'machine', except: [] }, 'meta skgid != 60706 tcp dport'],
  [{ kind: 'machine', except: [34, 7] }, 'meta skgid != 60706 meta skuid != { 34, 7 } tcp dport'],
]
for (const [who, start] of whose) {
  test(`it redirects the traffic of ${JSON.stringify(who)}`, () => {
    assert.ok(rulesOf('outgoing', { who })[0]?.startsWith(start))
  })
}

test('TCP goes to the listener of its family, and new UDP to the same port, where nobody takes it', () => {
  for (const [chain, transport] of [
    ['to_listener', 'tcp'],
    ['to_nobody', 'udp'],
  ] as const) {
    assert.deepEqual(rulesOf(chain), [
      `meta nfproto ipv4 meta l4proto ${transport} dnat ip to 127.0.0.1:3129`,
      `meta nfproto ipv6 meta l4proto ${transport} dnat ip6 to [::1]:3130`,
    ])
  }
})

test('a family without a listener is refused, for it would go around the other', () => {
  assert.equal(rulesOf('refused').length, 1)
  const [, tcp] = rulesOf('refused', { ipv6: undefined })
  assert.match(tcp ?? '', /meta nfproto ipv6 tcp dport \{ 80, 443 \} jump other_family$/)
  assert.deepEqual(
    rulesOf('to_listener', { ipv6: undefined }).filter((rule) => rule.includes('ipv6')),
    [],
  )
})

test('special networks and this machine are left alone, but what is opened is looked at first', () => {
  const opened = ['10.0.0.0/8', '192.168.1.7', 'fd00::/8']
  for (const chain of ['web', 'quic', 'old_quic', 'other_family']) {
    const rules = rulesOf(chain, { opened })
    assert.deepEqual(
      rules.map((rule) => /@\w+|local|goto \w+$/.exec(rule)?.[0].replace(/goto .*/, 'goto')),
      ['@opened4', '@opened6', '@left4', '@left6', 'local', 'goto'],
    )
  }
  const elements = commands({ opened }).filter((command) => command.startsWith('add element'))
  assert.ok(elements.includes('add element inet sallyport_agent opened4 { 10.0.0.0/8, 192.168.1.7 }'))
  assert.ok(elements.includes('add element inet sallyport_agent opened6 { fd00::/8 }'))
  for (const network of specialNetworks)
    assert.ok(
      elements.some((one) => one.includes(` ${network}`)),
      network,
    )
  assert.ok(!captureCommand(capture).includes('add element inet sallyport_agent opened'))
})

test('released, nothing leads to a redirection, but the rules that translate stay', () => {
  assert.ok(!RELEASE.includes('to_listener') && !RELEASE.includes('flush table'))
  const listing = (rules: readonly string[]) =>
    `chain outgoing {\n\ttype nat hook output\n${rules.map((rule) => `\t\t${rule}\n`).join('')}\t}`
  for (const who of [capture.who, { kind: 'machine', except: [] }] satisfies Capture['who'][])
    assert.ok(redirects(listing(rulesOf('outgoing', { who }))))
  assert.ok(!redirects(listing([]) + rulesOf('to_listener').join('\n')))
  assert.ok(!redirects(''))
})
