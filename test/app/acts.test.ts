import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Act, policyRefused, programStart, tellTo, toldOnce } from '../../src/app/acts.ts'
import type { EventRow } from '../../src/audit/rows.ts'
import { configIn } from '../support/app.ts'

test('an act becomes an event', () => {
  const events: EventRow[] = []
  const at = Date.parse('2026-01-02T03:04:05.678Z')
  tellTo(
    { event: (row) => void events.push(row) },
    () => at,
  )({
    what: 'policy.reload',
    before: { digest: 'a' },
    after: { digest: 'b' },
  })
  assert.partialDeepStrictEqual(events, [
    {
      at: '2026-01-02T03:04:05.678Z',
      who: 'sallyport',
      what: 'policy.reload',
      subject: null,
      before: '{"digest":"a"}',
      after: '{"digest":"b"}',
    },
  ])
  assert.match(events[0]?.id ?? '', /^[0-9a-f-]{36}$/)
})

test('what two processes tell of one act is told once, also when one of them is late', () => {
  const told: unknown[] = []
  const heard = toldOnce(({ after }) => told.push(after?.['digest']))
  const reload = (digest: string): Act => ({ what: 'policy.reload', after: { digest } })
  heard(1, reload('b'))
  heard(1, reload('a'))
  heard(2, reload('b'))
  heard(2, reload('a'))
  assert.deepEqual(told, ['b', 'a'])
  heard(2, reload('b'))
  heard(1, reload('b'))
  assert.deepEqual(told, ['b', 'a', 'b'])
})

test('of policy files that are refused the places are told, not what stands there', () => {
  const problems = '10-a.yaml:3:5: unknown key "project-x"\n20-b.yaml: no mapping\nand more of project-x'
  assert.deepEqual(policyRefused('policy_invalid', problems), {
    what: 'policy.refused',
    after: { code: 'policy_invalid', places: ['10-a.yaml:3:5', '20-b.yaml'] },
  })
})

test('the start says what is inspected, what is kept and where it goes, and no secret', () => {
  const sink = { name: 'hec', type: 'splunk', url: 'https://splunk.example:8088', token: 'made-up-Zq8fK2', index: 'ai' }
  const config = configIn(undefined, { audit: { export: [sink] } })
  const { after } = programStart(config, { command: 'serve', workers: 2, policy: 'p', ca: 'c' })
  assert.partialDeepStrictEqual(after, {
    command: 'serve',
    workers: 2,
    policy: 'p',
    ca: 'c',
    auth: 'none',
    inspectBytes: 33_554_432,
    audit: {
      durability: 'crash',
      whenUnavailable: 'block',
      search: false,
      checkpointSeconds: 60,
      export: [{ name: 'hec', type: 'splunk', include: ['exchanges', 'connections', 'events'], bodies: false }],
    },
  })
  assert.ok(!JSON.stringify(after).includes('made-up'))
})
