import { validateHeaderName, validateHeaderValue } from 'node:http'
import { z } from 'zod'
import { SallyportError } from '../../core/errors.ts'
import { inParallel } from '../../lib/async.ts'
import { defineHook, type Judgement } from '../hook.ts'
import { outside } from './outside.ts'
import { batchesOf, codePointOffsets, locate } from './texts.ts'
import type { Batch } from './texts.ts'

/**
 * Asks Presidio's analyzer (`POST /analyze`, docs of microsoft/presidio, "Presidio Analyzer REST API") for personal data. Its entity
 * types become ours where we have the same; the others keep their names. Its answer is read strictly.
 */
export const presidio = defineHook({
  name: 'presidio',
  stages: ['request', 'response'],
  options: z.strictObject({
    /** Of the service, or of its `/analyze`. */
    url: z.url({ protocol: /^https?$/ }),
    language: z
      .string()
      .regex(/^[a-z]{2,3}$/)
      .default('en'),
    /** Presidio's names of what to look for; all it knows when there are none. */
    entities: z.array(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/)).default([]),
    minScore: z.number().min(0).max(1).default(0.5),
    headers: z.record(z.string(), z.string()).refine(areHeaders, { error: 'not header fields' }).default({}),
  }),
  create: ({ url, language, entities, minScore, headers }) => {
    const ask = outside(analyzeUrl(url), { what: 'Presidio analyzer', maxBytes: 1_048_576 })
    const asked = { language, score_threshold: minScore, ...(entities.length > 0 && { entities }) }
    return {
      live: true,
      inspect: async ({ parts }, signal) => {
        const batches = batchesOf(parts, MOST_CHARS, OVERLAP)
        const findings = await inParallel(batches, AT_ONCE, async (batch) => {
          const body = Buffer.from(JSON.stringify({ text: batch.text, ...asked }))
          return findingsIn(batch, await ask(body, headers, signal), minScore)
        })
        return { findings: withoutRepeats(findings.flat()) }
      },
    }
  },
})

type Found = Judgement['findings'][number]

const Answer = z
  .array(
    z.strictObject({
      entity_type: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
      /** In code points, as Python counts. */
      start: z.int().min(0),
      end: z.int().min(1),
      score: z.number().min(0).max(1),
      analysis_explanation: z.unknown().optional(),
      recognition_metadata: z.unknown().optional(),
    }),
  )
  .max(50_000)

function findingsIn(batch: Batch, answer: unknown, minScore: number): Found[] {
  const read = Answer.safeParse(answer)
  if (!read.success) throw unexpected('is not a list of entities')
  const offset = codePointOffsets(batch.text)
  return read.data.flatMap(({ entity_type, start, end, score }) => {
    const from = offset(start)
    const to = offset(end)
    if (from === undefined || to === undefined || from >= to) throw unexpected('finds something outside the text')
    if (score < minScore) return []
    const type = ownTypes[entity_type] ?? entity_type
    const severity = score >= 0.85 ? 'high' : 'medium'
    return locate(batch, from, to).map((at) => ({ ...at, type, rule: 'presidio', confidence: score, severity }))
  })
}

/** Pieces of a long text overlap: what is in both was found twice. */
function withoutRepeats(findings: readonly Found[]): Found[] {
  const kept = new Map<string, Found>()
  for (const finding of findings) {
    const key = `${finding.part} ${finding.start} ${finding.end} ${finding.type}`
    const before = kept.get(key)
    if (before === undefined || before.confidence < finding.confidence) kept.set(key, finding)
  }
  return [...kept.values()]
}

function analyzeUrl(given: string): URL {
  const url = new URL(given)
  if (!/\/analyze\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/$/, '')}/analyze`
  return url
}

function areHeaders(headers: Readonly<Record<string, string>>): boolean {
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    }
    return true
  } catch {
    return false
  }
}

function unexpected(what: string): SallyportError {
  return new SallyportError('hook_failed', `the Presidio analyzer's answer ${what}`)
}

// Presidio's supported entities on the left.
const ownTypes: Readonly<Record<string, string>> = {
  EMAIL_ADDRESS: 'EMAIL',
  PHONE_NUMBER: 'PHONE',
  IBAN_CODE: 'IBAN',
  CRYPTO: 'CRYPTO_WALLET',
  US_BANK_NUMBER: 'US_BANK_ACCOUNT',
  US_PASSPORT: 'PASSPORT',
  IN_PASSPORT: 'PASSPORT',
  IT_PASSPORT: 'PASSPORT',
  IT_DRIVER_LICENSE: 'DRIVER_LICENSE',
  IT_IDENTITY_CARD: 'NATIONAL_ID',
  IT_VAT_CODE: 'IT_VAT',
  SG_NRIC_FIN: 'SG_NRIC',
  FI_PERSONAL_IDENTITY_CODE: 'FI_HETU',
  TH_TNIN: 'TH_NATIONAL_ID',
}
const MOST_CHARS = 20_000
const OVERLAP = 300
const AT_ONCE = 4
