import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { z } from 'zod'
import type { TextKind } from '../../src/core/text.ts'
import type { Stage } from '../../src/core/verdict.ts'
import type { Binding, Inspection } from '../../src/inspect/binding.ts'
import type { BoundHook, Hook } from '../../src/inspect/hook.ts'
import { hooks } from '../../src/inspect/hooks/index.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import { env } from '../support/hooks.ts'
import { bound, eventOf, facts, newVault, play, textPart } from '../support/inspection.ts'
import { outsideJudge } from '../support/outside-judge.ts'

/** Options that a hook works with. A new hook needs a line here when its defaults are not enough. */
async function optionsFor(hook: Hook, t: TestContext): Promise<unknown> {
  const answers: Record<string, unknown> = { webhook: { verdict: 'allow' }, presidio: [] }
  const url = hook.name in answers ? (await outsideJudge(t, answers[hook.name])).url : ''
  const options: Record<string, unknown> = {
    keywords: { name: 'list', words: ['kestrel'] },
    'request-size': { maxBytes: 1_000_000_000 },
    'ip-access': { allow: ['127.0.0.0/8'] },
    'rate-limit': { max: 1_000 },
    'data-residency': { allow: ['EU'], regions: { 'api.example': 'EU' } },
    webhook: { url, secret: 'an example secret' },
    presidio: { url },
  }
  return options[hook.name] ?? {}
}

const madeBy = async (hook: Hook, t: TestContext): Promise<BoundHook> => hook.create(await optionsFor(hook, t), env)
const stagesOf = (hook: Hook): Stage[] => hook.stages.filter((stage) => stage !== 'connection')

function inspect(
  binding: Binding,
  stage: Stage,
  texts: readonly string[],
  kind: TextKind = 'message',
): Promise<Inspection> | Inspection {
  const parts = texts.map((text) => textPart(text, { kind }))
  const bodyBytes = texts.join('').length
  const how = {
    mode: 'enforce',
    vault: newVault(),
    now: process.hrtime.bigint,
    signal: new AbortController().signal,
  } as const
  return inspectParts([binding], { stage, parts, bodyBytes, facts }, how)
}

/** The same hook with its work replaced. */
function breaking(hook: BoundHook, how: 'throws' | 'hangs'): BoundHook {
  const fail = (): never => {
    throw new Error('broken')
  }
  if (hook.kind === 'detector') return { ...hook, rules: { ...hook.rules, find: fail, shared: undefined } }
  return { ...hook, inspect: how === 'throws' ? fail : () => new Promise(() => {}) }
}

test('names are unique and every hook has a stage', () => {
  assert.equal(new Set(hooks.map((hook) => hook.name)).size, hooks.length)
  assert.ok(hooks.length > 0 && hooks.every((hook) => hook.stages.length > 0))
})

for (const hook of hooks) {
  test(`${hook.name}: an unknown option is refused`, async (t) => {
    const options = { ...((await optionsFor(hook, t)) as object), noSuchOption: 1 }
    assert.equal(hook.options.safeParse(options).success, false)
    assert.throws(() => hook.create(options, env), z.ZodError)
  })

  test(`${hook.name}: its options have a JSON Schema`, () => {
    assert.equal(z.toJSONSchema(hook.options, { io: 'input' }).type, 'object')
  })

  for (const stage of stagesOf(hook)) {
    for (const texts of [[], [''], ['', 'hello']]) {
      test(`${hook.name} on ${stage}: ${JSON.stringify(texts)} is allowed`, async (t) => {
        const inspection = await inspect(bound(await madeBy(hook, t), 'block'), stage, texts)
        assert.deepEqual([inspection.decision, inspection.findings, inspection.edits], ['allow', [], []])
        assert.equal(inspection.hooks.length, 1)
      })
    }

    test(`${hook.name} on ${stage}: a huge input is done with`, async (t) => {
      const huge = [
        'a'.repeat(2_000_000),
        '@'.repeat(500_000),
        '4111 '.repeat(100_000),
        `${'password: '.repeat(50_000)}`,
      ]
      const inspection = await inspect(bound(await madeBy(hook, t), 'flag', { timeoutMs: 60_000 }), stage, huge)
      assert.ok(inspection.failed === null && inspection.decision !== 'block')
    })

    for (const manner of ['throws', 'hangs'] as const) {
      test(`${hook.name} on ${stage}: when it ${manner}, its rule decides`, async (t) => {
        const broken = breaking(await madeBy(hook, t), manner)
        const blocking = await inspect(bound(broken, 'flag', { timeoutMs: 10 }), stage, ['hello'])
        assert.deepEqual([blocking.decision, blocking.failed?.hook], ['block', hook.name])
        const allowing = await inspect(bound(broken, 'flag', { timeoutMs: 10, onError: 'allow' }), stage, ['hello'])
        assert.deepEqual([allowing.decision, allowing.failed, allowing.hooks[0]?.verdict], ['allow', null, 'error'])
      })
    }
  }

  test(`${hook.name}: on a stream it does what it does on whole texts, or asks for the whole`, async (t) => {
    const made = await madeBy(hook, t)
    if (made.kind === 'judge' || !made.stages.includes('response')) return
    const text =
      'mail ann@corp.example.com, key zk_9f27c1e40b86d53a, a kestrel, obey the raven, hemlock tea, wipe the disk. '
    const [kind = 'message'] = made.kinds ?? []
    const whole = await inspect(bound(made, 'redact'), 'response', [text], kind)
    const events = [...text]
      .map((piece) => eventOf([{ channel: 'a', text: piece }]))
      .map((event) => ({ ...event, parts: event.parts.map((part) => ({ ...part, kind })) }))
    const { result } = play([bound(made, 'redact')], events)
    assert.ok(whole.findings.length > 0)
    const seen = (inspection: Inspection): unknown =>
      inspection.findings.map(({ type, start, end }) => [type, start, end])
    assert.deepEqual(seen(result), seen(whole))
  })
}
