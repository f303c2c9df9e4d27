import { z } from 'zod'
import { SallyportError } from '../../core/errors.ts'
import { inParallel } from '../../lib/async.ts'
import type { Judge, Judgement } from '../hook.ts'
import { outside } from './outside.ts'
import { batchesOf } from './texts.ts'
import type { Batch } from './texts.ts'

const Score = z.number().min(0).max(1)

/** A classifier that is asked as OpenAI's moderations are: `POST { input: […] }`, answered by `results[].category_scores`. */
export const ClassifierOptions = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Sent as a bearer token. */
  secret: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .optional(),
  model: z.string().min(1).optional(),
  /** From this score on a category counts. */
  threshold: Score.default(0.5),
  /** Thresholds of single categories. */
  thresholds: z.record(z.string(), Score).default({}),
  /** Only these categories; all when there are none. */
  categories: z.array(z.string().min(1)).default([]),
})

/** Finds `CONTENT_SAFETY:category` for whole texts, or pieces of long ones. */
export function classifier({ url, secret, model, ...limits }: z.infer<typeof ClassifierOptions>): Judge {
  const ask = outside(new URL(url), { what: 'classifier', maxBytes: 1_048_576 })
  const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
  return async ({ parts }, signal) => {
    const groups = groupsOf(parts.flatMap((part, i) => batchesOf([part], MOST_CHARS, 0).map((batch) => at(batch, i))))
    const findings = await inParallel(groups, AT_ONCE, async (group) => {
      const question = { ...(model !== undefined && { model }), input: group.map(({ text }) => text) }
      return findingsIn(group, await ask(Buffer.from(JSON.stringify(question)), headers, signal), limits)
    })
    return { findings: findings.flat() }
  }
}

type Piece = { readonly text: string; readonly part: number; readonly start: number }
type Limits = Pick<z.infer<typeof ClassifierOptions>, 'threshold' | 'thresholds' | 'categories'>

const Answer = z.looseObject({
  results: z.array(z.looseObject({ category_scores: z.record(z.string().max(100), Score) })),
})

function findingsIn(group: readonly Piece[], answer: unknown, limits: Limits): Judgement['findings'][number][] {
  const read = Answer.safeParse(answer)
  if (!read.success) throw unexpected('is not what a moderation answers')
  const { results } = read.data
  if (results.length !== group.length) throw unexpected('is for another number of texts')
  return group.flatMap(({ text, part, start }, i) =>
    Object.entries(results[i]!.category_scores)
      .filter(([category, score]) => counts(category, score, limits))
      .map(([category, score]) => ({
        part,
        type: `CONTENT_SAFETY:${category.replaceAll(/[^A-Za-z0-9_.]+/g, '-').slice(0, 64)}`,
        rule: 'classifier',
        start,
        end: start + text.length,
        confidence: score,
        severity: 'high' as const,
      })),
  )
}

function counts(category: string, score: number, { threshold, thresholds, categories }: Limits): boolean {
  if (categories.length > 0 && !categories.includes(category)) return false
  return score >= (thresholds[category] ?? threshold)
}

function at({ text, segments }: Batch, part: number): Piece {
  return { text, part, start: segments[0]!.from }
}

function groupsOf(pieces: readonly Piece[]): Piece[][] {
  const groups: Piece[][] = []
  let length = 0
  for (const piece of pieces) {
    const last = groups.at(-1)
    if (last === undefined || last.length === MOST_INPUTS || length + piece.text.length > MOST_CHARS) {
      groups.push([piece])
      length = piece.text.length
    } else {
      last.push(piece)
      length += piece.text.length
    }
  }
  return groups
}

function unexpected(what: string): SallyportError {
  return new SallyportError('hook_failed', `the classifier's answer ${what}`)
}

const MOST_CHARS = 20_000
const MOST_INPUTS = 32
const AT_ONCE = 4
