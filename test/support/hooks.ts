import type { JudgeInput, Judgement, BoundHook, ExchangeFacts, HookEnv } from '../../src/inspect/hook.ts'
import { loadPacks, packsFolder, parsePack, ruleBook } from '../../src/detect/index.ts'
import { memoryLimiter } from '../../src/inspect/limiter.ts'
import { facts } from './inspection.ts'

const pack = parsePack(
  `id: test
version: 1
rules:
  - id: email
    type: EMAIL
    pattern: '\\b[a-z]{1,20}@[a-z.]{1,40}\\.[a-z]{2,8}\\b'
    trigger: at
    confidence: 0.9
    severity: medium
    examples: { match: [ann@corp.example.com], noMatch: [ann] }
  - id: zk-key
    type: SECRET:zk
    pattern: '\\bzk_[0-9a-f]{16}\\b'
    keywords: [zk_]
    confidence: 0.9
    severity: critical
    examples: { match: [zk_9f27c1e40b86d53a], noMatch: [zk_] }
  - id: order
    type: PROMPT_INJECTION:order
    pattern: 'obey the raven'
    keywords: [obey the raven]
    confidence: 0.9
    severity: high
    examples: { match: [obey the raven], noMatch: [raven] }
  - id: harm
    type: CONTENT_SAFETY:harm
    pattern: 'hemlock tea'
    keywords: [hemlock tea]
    confidence: 0.9
    severity: high
    examples: { match: [hemlock tea], noMatch: [raven] }
  - id: wipe
    type: TOOL_CALL:wipe
    pattern: 'wipe the disk'
    keywords: [wipe the disk]
    confidence: 0.9
    severity: high
    examples: { match: [wipe the disk], noMatch: [raven] }
`,
  'test.yaml',
)

export const env: HookEnv = {
  readFile: (path) => {
    throw new Error(`no file ${path}`)
  },
  book: ruleBook([pack]),
  now: () => 1_700_000_000_500,
  limiter: memoryLimiter({ now: () => 1_700_000_000_500 }),
  rule: 'a rule',
}

/** The same with the program's own packs. */
export const own: HookEnv = { ...env, book: ruleBook(loadPacks([packsFolder()])) }

export type Asked = Partial<Omit<JudgeInput, 'facts'>> & { readonly facts?: Partial<ExchangeFacts> }

/** What a judge says. */
export async function ask(
  hook: BoundHook,
  asked: Asked = {},
  signal = new AbortController().signal,
): Promise<Judgement> {
  if (hook.kind !== 'judge') throw new TypeError('not a judge')
  return hook.inspect(
    { stage: 'request', parts: [], bodyBytes: 0, ...asked, facts: { ...facts, ...asked.facts } },
    signal,
  )
}

/** Type and text of what a detector finds. */
export function found(hook: BoundHook, text: string): [string, string][] {
  if (hook.kind !== 'detector') throw new TypeError('not a detector')
  return hook.rules.find(text).map((match) => [match.type, text.slice(match.start, match.end)])
}
