import { z } from 'zod'
import { SallyportError } from '../../core/errors.ts'
import type { Choice, Pack } from '../../detect/index.ts'
import { nearest } from '../../lib/nearest.ts'

/** Families of types that have hooks of their own; the rest is personal data. */
export const families = {
  secrets: 'SECRET',
  promptInjection: 'PROMPT_INJECTION',
  contentSafety: 'CONTENT_SAFETY',
  toolCalls: 'TOOL_CALL',
} as const

/** Whether the type is the family or one of its kinds. */
export function isOf(family: string, type: string): boolean {
  return type === family || type.startsWith(`${family}:`)
}

/** The options of the hooks that take their rules from packs. */
export const PackOptions = z.strictObject({
  packs: z.array(z.string()).min(1).default(['all']),
  /** Types or families of types; none is all of the hook's own. */
  types: z.array(z.string()).default([]),
  minConfidence: z.number().min(0).max(1).default(0.5),
  /** Ids of rules, types, or families. */
  exclude: z.array(z.string()).default([]),
})

export type PackOptions = z.infer<typeof PackOptions>

/** A misspelt name would find nothing, and nobody would know: it is an error. */
export function checkNames(options: PackOptions, packs: readonly Pack[], own: (type: string) => boolean): void {
  const rules = packs.flatMap((pack) => pack.rules)
  const types = new Set(rules.filter((rule) => own(rule.type)).flatMap((rule) => [rule.type, familyOf(rule.type)]))
  check('pack', options.packs, new Set(['all', ...packs.map((pack) => pack.id)]))
  check('type', options.types, types)
  check('rule or type', options.exclude, new Set([...types, ...rules.map((rule) => rule.id)]))
}

/** Everything of the hook's own that the options ask for. */
export function choiceOf(options: PackOptions, own: Choice): Choice {
  const { packs, types, minConfidence, exclude } = options
  return {
    packs,
    minConfidence,
    types: types.length > 0 ? types : own.types,
    exclude: [...exclude, ...(own.exclude ?? [])],
  }
}

function check(what: string, given: readonly string[], known: ReadonlySet<string>): void {
  for (const name of given) {
    if (known.has(name)) continue
    const close = nearest(name, [...known])
    const hint = close === undefined ? `Known: ${[...known].sort().slice(0, 40).join(', ')}` : `Did you mean ${close}?`
    throw new SallyportError('policy_invalid', `there is no ${what} ${JSON.stringify(name)}`, { hint })
  }
}

function familyOf(type: string): string {
  return type.split(':', 1)[0]!
}
