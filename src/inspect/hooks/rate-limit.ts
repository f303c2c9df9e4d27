import { z } from 'zod'
import { defineHook, type ExchangeFacts, type JudgeInput } from '../hook.ts'

const By = z.enum(['client', 'principal', 'host', 'provider', 'model', 'path'])

/**
 * Finds `RATE_LIMIT` when more than `max` come in any `windowSeconds`, counted for each client, principal or whatever `by` names, over
 * all processes. What other rules block is not counted, nor what was refused for being too much.
 */
export const rateLimit = defineHook({
  name: 'rate-limit',
  stages: ['connection', 'request'],
  options: z.strictObject({
    max: z.int().min(1).max(1_000_000_000),
    windowSeconds: z.number().min(0.1).max(604_800).default(60),
    /** Each combination is counted for itself; an empty list counts everything together. */
    by: z.union([By.transform((one) => [one]), z.array(By)]).default(['client']),
  }),
  create: ({ max, windowSeconds, by }, { limiter, rule }) => {
    const limit = { max, windowMs: Math.round(windowSeconds * 1_000) }
    return {
      live: true,
      placeless: true,
      inspect: async (input) => {
        if (input.continued === true) return admitted
        const admission = await limiter(keyOf(rule, by, input), limit)
        if (admission.admitted) return admitted
        return { findings: [exceeded], retryAfterSeconds: Math.max(1, Math.ceil(admission.retryAfterMs / 1_000)) }
      },
    }
  },
})

function keyOf(rule: string, by: readonly z.infer<typeof By>[], { stage, facts }: JudgeInput): string {
  return JSON.stringify([rule, stage, ...by.map((what) => valueOf(what, facts))])
}

/** Those who are nobody in particular are told apart by their addresses. */
function valueOf(what: z.infer<typeof By>, facts: ExchangeFacts): string | null {
  if (what === 'client') return facts.clientIp
  if (what === 'principal') return facts.principal === null ? `address ${facts.clientIp}` : `name ${facts.principal}`
  return facts[what]
}

const admitted = { findings: [] }
const exceeded = {
  part: null,
  type: 'RATE_LIMIT',
  rule: 'rate-limit',
  start: 0,
  end: 0,
  confidence: 1,
  severity: 'medium',
} as const
