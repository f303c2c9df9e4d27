import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { replayLedger } from '../../src/app/replay.ts'
import type { ReplayedConnection, ReplayedExchange } from '../../src/app/replay.ts'
import { openLedger } from '../../src/audit/find/ledger.ts'
import { contentReader } from '../../src/audit/bodies/read-content.ts'
import { startRecorder } from '../../src/audit/recorder.ts'
import type { ConnectionRow, ExchangeDone, ExchangeOpen } from '../../src/audit/rows.ts'
import { setOf } from '../policy/fixture.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

type Row = { readonly open?: Partial<ExchangeOpen>; readonly done?: Partial<ExchangeDone> }

async function replayed(
  policy: string,
  exchanges: readonly Row[],
  connections: readonly Partial<ConnectionRow>[] = [],
) {
  const dir = join(tempFolder('replay'), 'data')
  const recorder = startRecorder({ dir, durability: 'relaxed', inlineBytes: 65_536 })
  for (const { open, done } of exchanges) {
    const row = openRow(open)
    recorder.once(row, doneRow(row.id, done))
  }
  for (const row of connections) recorder.connection(connectionRow(row))
  await recorder.close()
  const ledger = openLedger(dir)
  const found: (ReplayedExchange | ReplayedConnection)[] = []
  try {
    const contents = contentReader({ dir, keys: [] })
    const options = { ledger, contents, filter: {}, limit: undefined, placeholderKey: new Uint8Array(32) }
    for await (const one of replayLedger({ ...options, set: await setOf(policy) })) found.push(one)
  } finally {
    ledger.close()
  }
  return found
}

const asked = (content: string): string => JSON.stringify({ model: 'gpt-5.1', messages: [{ role: 'user', content }] })
const falcons = 'rules: [{ name: birds, on: both, hook: words, options: { words: [falcon] }, action: block }]'

const bodies: readonly [what: string, row: Row][] = [
  ['a request', { done: { requestBody: asked('a falcon') } }],
  [
    'an answer',
    { done: { responseBody: '{"choices":[{"index":0,"message":{"role":"assistant","content":"a falcon"}}]}' } },
  ],
  [
    'a stream whose events share the word',
    {
      done: {
        stream: true,
        responseBody: ['a fal', 'con']
          .map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)
          .join(''),
      },
    },
  ],
  [
    'a message of a conversation',
    {
      open: { operation: 'realtime', path: '/v1/realtime' },
      done: {
        requestBody:
          '{"type":"response.create"}\n{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"a falcon"}]}}\n',
      },
    },
  ],
  [
    'a form',
    {
      open: { path: '/v1/files' },
      done: { requestBody: '--x\r\nContent-Disposition: form-data; name="note"\r\n\r\na falcon\r\n--x--\r\n' },
    },
  ],
]
for (const [what, row] of bodies) {
  test(`${what} that was let through would be blocked now`, async () => {
    const [one] = (await replayed(falcons, [row])) as [ReplayedExchange]
    assert.deepEqual(one.recorded, { decision: 'allow', rule: null, findings: [] })
    assert.deepEqual(one.now, { decision: 'block', rule: 'birds', findings: ['KEYWORD:list'] })
    assert.equal(one.differs, true)
  })
}

const finding = JSON.stringify([
  {
    type: 'KEYWORD:list',
    rule: 'word',
    policyRule: 'old',
    action: 'block',
    stage: 'request',
    place: 'messages[0].content',
    confidence: 1,
  },
])

test('what is the same does not differ', async () => {
  const blocked = { decision: 'block', rule: 'birds', findings: finding, requestBody: null } as const
  const [one, other] = await replayed(falcons, [{ done: blocked }, { done: { requestBody: asked('a heron') } }])
  assert.deepEqual([one?.differs, other?.differs], [false, false])
  assert.deepEqual((one as ReplayedExchange).missing, ['request'])
})

test('an exchange that failed after it was judged is compared by what was found', async () => {
  const done = { decision: 'error', error: 'upstream_failed', findings: finding, requestBody: null } as const
  const [one] = await replayed(falcons, [{ done }])
  assert.deepEqual([one?.recorded.decision, one?.now.decision, one?.differs], ['block', 'block', false])
})

test('a body that was too large is what the posture says now', async () => {
  const done = { decision: 'block', error: 'sallyport_too_large', requestBody: null } as const
  const now = async (policy: string) => (await replayed(policy, [{ done }]))[0]?.now.decision
  assert.equal(await now('oversize: allow'), 'allow')
  assert.equal(await now('oversize: block'), 'block')
})

test('what nobody can read is what the posture says now', async () => {
  const now = async (error: string, policy: string) => {
    const [one] = await replayed(policy, [{ done: { error, requestBody: null, decision: 'allow' } }])
    return one?.now.decision
  }
  assert.equal(await now('not_inspected: pdf', 'opaque: { pdf: block, default: allow }'), 'block')
  assert.equal(await now('not_inspected: pdf', 'opaque: { image: block, default: allow }'), 'allow')
  assert.equal(await now('upstream_failed; not_inspected: image', 'opaque: block'), 'block')
  assert.equal(await now('opaque_content; not_inspected: pdf', 'opaque: block'), 'block')
})

test('connections that would be handled otherwise are told; those that policy did not decide are not', async () => {
  const policy = 'intercept: [{ hosts: ["*.example"], action: deny, reason: no }]'
  const found = await replayed(
    policy,
    [],
    [
      {},
      { handling: 'deny', error: 'policy_denied', reason: 'policy denies bank.example: no' },
      { handling: 'failed', reason: 'handshake' },
      { handling: 'tunnel', reason: 'client rejects the leaf' },
      { handling: 'tunnel', reason: 'not TLS' },
      { handling: 'deny', error: 'policy_denied', reason: 'refused by the policy rule "nobody"' },
      { handling: 'deny', error: 'policy_denied', reason: 'no name in the hello' },
      { handling: 'attested', reason: 'attested by laptop-7' },
    ],
  )
  assert.deepEqual(
    found.map(({ kind, recorded, now, differs }) => [kind, recorded.decision, now.decision, differs]),
    [
      ['connection', 'tunnel', 'deny', true],
      ['connection', 'deny', 'deny', false],
    ],
  )
})
