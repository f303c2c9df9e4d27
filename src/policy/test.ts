import type { TextPart } from '../core/text.ts'
import { inspectParts } from '../inspect/pipeline.ts'
import type { Inspection } from '../inspect/binding.ts'
import type { ExchangeFacts } from '../inspect/hook.ts'
import { createVault } from '../inspect/tokens.ts'
import { globMatcher } from '../lib/glob.ts'
import type { PlacedTest, PolicySet } from './match.ts'
import type { PolicyTest } from './schema.ts'

/** How a test of a policy file went. `wrong` is empty when it passed; it never repeats the text. */
export type TestResult = {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly passed: boolean
  readonly action: string
  readonly findings: readonly string[]
  readonly wrong: readonly string[]
}

/**
 * Runs the tests written in the policy files, in order, as the engine would: every rule that applies, with its hook. Rules are
 * enforced whatever the set's mode, so that a policy can be tested before it is.
 */
export async function runPolicyTests(set: PolicySet): Promise<TestResult[]> {
  const results: TestResult[] = []
  for (const placed of set.tests) results.push(await runTest(set, placed))
  return results
}

async function runTest(set: PolicySet, { test, file, line }: PlacedTest): Promise<TestResult> {
  const stage = test.response === undefined ? 'request' : 'response'
  const given = test.response ?? test.request
  if (given === undefined) throw new RangeError(`the test ${test.name} has neither request nor response`)
  const part: TextPart = {
    text: given.text,
    place: { start: 0, end: given.text.length, spelling: [] },
    role: stage === 'request' ? 'user' : 'assistant',
    kind: 'message',
    path: 'text',
  }
  const facts = factsOf(given)
  const inspection = await inspectParts(
    set.bindingsFor(facts, stage),
    { stage, parts: [part], bodyBytes: Buffer.byteLength(given.text), facts },
    {
      mode: 'enforce',
      vault: createVault({ key: new Uint8Array(32), maxEntries: 1_000 }),
      now: process.hrtime.bigint,
      signal: AbortSignal.timeout(TEST_MS),
    },
  )
  const findings = [...new Set(inspection.findings.map((finding) => finding.type))].sort()
  const wrong = differences(test.expect, inspection, findings, given.text)
  return { name: test.name, file, line, passed: wrong.length === 0, action: inspection.decision, findings, wrong }
}

function differences(
  expected: PolicyTest['expect'],
  inspection: Inspection,
  findings: readonly string[],
  text: string,
): string[] {
  const wrong: string[] = []
  if (inspection.decision !== expected.action) {
    const why = inspection.failed === null ? (inspection.rule ?? 'no rule') : `${inspection.failed.hook} failed`
    wrong.push(`action is ${inspection.decision} (${why}), expected ${expected.action}`)
  }
  const missing = (expected.findings ?? []).filter((type) => !findings.includes(type))
  if (missing.length > 0) wrong.push(`not found: ${missing.join(', ')}`)
  if (expected.findings?.length === 0 && findings.length > 0)
    wrong.push(`found: ${findings.join(', ')}, expected nothing`)
  if (expected.text !== undefined && !globMatcher([expected.text])(edited(text, inspection))) {
    wrong.push('the text is not what was expected')
  }
  return wrong
}

function edited(text: string, { edits }: Inspection): string {
  let result = ''
  let from = 0
  for (const edit of edits) {
    result += text.slice(from, edit.start) + edit.replacement
    from = edit.end
  }
  return result + text.slice(from)
}

function factsOf(given: NonNullable<PolicyTest['request']>): ExchangeFacts {
  return {
    door: given.door,
    clientIp: given.client ?? '127.0.0.1',
    principal: given.principal ?? null,
    host: given.host ?? null,
    port: null,
    path: given.path ?? null,
    method: 'POST',
    provider: given.provider,
    operation: null,
    model: given.model ?? null,
  }
}

const TEST_MS = 60_000
