import { z } from 'zod'
import { defineHook, type ExchangeFacts } from '../hook.ts'
import { checkNames, choiceOf } from './pack-options.ts'
import { regionsBy } from './regions.ts'

const Region = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/, 'a name of a region, such as EU')
  .transform((name) => name.toUpperCase())

/**
 * Finds `DATA_RESIDENCY` where an exchange goes to a region that is not allowed, or to one that nobody knows. With `types`, only what is
 * of these types may not go there, and the rule's action is done to it.
 */
export const dataResidency = defineHook({
  name: 'data-residency',
  stages: ['connection', 'request'],
  options: z.strictObject({
    allow: z.array(Region).min(1),
    /** Host globs and where they are: goes before what the program knows by itself. */
    regions: z.record(z.string().min(1), Region).default({}),
    /** What becomes of hosts whose region nobody knows. */
    unknown: z.enum(['block', 'allow']).default('block'),
    /** Types of the rule packs, or families. */
    types: z.array(z.string()).default([]),
    minConfidence: z.number().min(0).max(1).default(0.5),
  }),
  create: ({ allow, regions, unknown, types, minConfidence }, { book }) => {
    const regionOf = regionsBy(regions)
    const stays = ({ host, model }: ExchangeFacts): boolean => {
      const region = host === null ? undefined : regionOf(host, model)
      return region === undefined ? unknown === 'allow' : allow.includes(region)
    }
    if (types.length === 0) {
      return { textless: true, placeless: true, inspect: ({ facts }) => ({ findings: stays(facts) ? [] : [leaves] }) }
    }
    const chosen = { packs: ['all'], types, minConfidence, exclude: [] }
    checkNames(chosen, book.packs, () => true)
    return { rules: book.choose(choiceOf(chosen, {})), applies: (facts) => !stays(facts) }
  },
})

const leaves = {
  part: null,
  type: 'DATA_RESIDENCY',
  rule: 'data-residency',
  start: 0,
  end: 0,
  confidence: 1,
  severity: 'high',
} as const
