import { hooks } from '../../src/inspect/hooks/index.ts'
import { memoryLimiter } from '../../src/inspect/limiter.ts'
import type { Binding, How } from '../../src/inspect/binding.ts'
import type { ExchangeFacts } from '../../src/inspect/hook.ts'
import { createMemo } from '../../src/inspect/memo.ts'
import { createVault } from '../../src/inspect/tokens.ts'
import { compileRule } from '../../src/detect/compiled.ts'
import { loadPacks, packsFolder, ruleBook } from '../../src/detect/index.ts'
import type { Pack, RuleBook } from '../../src/detect/index.ts'

export type Subject = {
  readonly packs: readonly Pack[]
  readonly book: RuleBook
  readonly bindings: readonly Binding[]
}

/** All packs, as a policy with one rule for each hook that has one. */
export function allPacksOn(): Subject {
  const packs = loadPacks([packsFolder()])
  const book = ruleBook(packs)
  const env = { readFile: () => '', book, now: Date.now, limiter: memoryLimiter({ now: Date.now }), rule: 'bench' }
  const detecting = ['pii', 'secrets', 'prompt-injection', 'content-safety', 'tool-calls']
  const bindings = hooks
    .filter(({ name }) => detecting.includes(name))
    .map((hook): Binding => ({
      name: hook.name,
      on: 'both',
      hook: hook.create({}, env),
      action: { default: 'flag', byType: new Map() },
      onError: 'block',
      timeoutMs: 1_000,
    }))
  return { packs, book, bindings }
}

/** Without a memory: each time is the first time. */
export function howToInspect(): How {
  const vault = createVault({ key: new Uint8Array(32), maxEntries: 1_000 })
  return { mode: 'enforce', vault, now: process.hrtime.bigint, signal: new AbortController().signal }
}

/** With a memory of what was inspected with it before. */
export function howToRemember(): How {
  const memo = createMemo({ key: new Uint8Array(32), maxBytes: 33_554_432 })
  return { ...howToInspect(), memo: memo.of('somebody') }
}

/** What somebody would write first: each rule's pattern as an expression of its own, over the whole text, one after another. */
export function plainExpressions(packs: readonly Pack[]): (text: string) => number {
  const expressions = packs
    .flatMap((pack) => pack.rules.map((rule) => compileRule(rule, pack.id)))
    .map(({ source, anyCase }) => new RegExp(source, anyCase ? 'gi' : 'g'))
  return (text) => {
    let found = 0
    for (const expression of expressions) for (const _ of text.matchAll(expression)) found++
    return found
  }
}

/** Facts of an exchange of which nothing is known. */
export const nowhere: ExchangeFacts = {
  door: null,
  clientIp: null,
  principal: null,
  host: null,
  port: null,
  path: null,
  method: null,
  provider: null,
  operation: null,
  model: null,
}
