import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { SallyportError } from '../../core/errors.ts'
import { severities } from '../../core/verdict.ts'
import { defineHook, type Judgement, type JudgeInput } from '../hook.ts'
import { outside } from './outside.ts'

/** Asks an outside judge. The reply is read strictly: whatever is not one is a failure, and the rule's `onError` decides. */
export const webhook = defineHook({
  name: 'webhook',
  stages: ['request', 'response'],
  options: z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    /** Signs what is sent: `Sallyport-Signature: t=UNIX,v1=HEX`. */
    secret: z.string().min(16),
    /** `metadata` sends places and lengths instead of texts. */
    send: z.enum(['text', 'metadata']).default('text'),
  }),
  create: ({ url, secret, send }, { now }) => {
    const ask = outside(new URL(url), { what: 'webhook', maxBytes: 65_536 })
    return {
      live: true,
      inspect: async (input, signal) => {
        const body = Buffer.from(JSON.stringify(question(input, send)))
        const headers = { 'sallyport-signature': signature(body, secret, now()) }
        return judgement(await ask(body, headers, signal), input, send)
      },
    }
  },
})

const Reply = z.strictObject({
  verdict: z.enum(['allow', 'flag', 'redact', 'block']),
  reason: z.string().optional(),
  findings: z
    .array(
      z.strictObject({
        /** An index into the texts sent. */
        text: z.int().min(0),
        start: z.int().min(0),
        end: z.int().min(0),
        type: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}(?::[A-Za-z0-9_.-]{1,64})?$/),
        confidence: z.number().min(0).max(1).default(1),
        severity: z.enum(severities).default('medium'),
      }),
    )
    .max(10_000)
    .default([]),
})

function question({ stage, parts, bodyBytes, facts }: JudgeInput, send: 'text' | 'metadata'): unknown {
  const texts = parts.map(({ path, role, kind, text }) => {
    const about = { place: path, role, kind, length: text.length }
    return send === 'text' ? { ...about, text } : about
  })
  return { stage, bodyBytes, ...facts, texts }
}

/** HMAC-SHA256 over the time, a full stop and the body. */
function signature(body: Uint8Array, secret: string, now: number): string {
  const time = Math.floor(now / 1000)
  return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex')}`
}

function judgement(reply: unknown, { parts }: JudgeInput, send: 'text' | 'metadata'): Judgement {
  const read = Reply.safeParse(reply)
  if (!read.success) throw unexpected('is not a verdict')
  const { verdict, findings } = read.data
  if (send === 'metadata' && findings.length > 0) throw unexpected('finds something in texts that were not sent')
  if (verdict === 'redact' && !findings.some(({ start, end }) => end > start)) {
    throw unexpected('asks to redact and does not say what')
  }
  for (const { text, start, end } of findings) checkPlace(parts[text]?.text, start, end)
  const located = findings.map(({ text, ...match }) => ({ ...match, part: text, rule: 'webhook' }))
  if (located.length > 0 || verdict === 'allow') return { verdict, findings: located }
  return { verdict, findings: [{ ...judged, severity: verdict === 'block' ? 'high' : 'medium' }] }
}

function checkPlace(text: string | undefined, start: number, end: number): void {
  if (text === undefined || start > end || end > text.length) throw unexpected('finds something outside the texts')
  if (splits(text, start) || splits(text, end)) throw unexpected('finds half a character')
}

/** Whether the place is between the two halves of a surrogate pair. */
function splits(text: string, at: number): boolean {
  return at > 0 && /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(at - 1, at + 1))
}

function unexpected(what: string): SallyportError {
  return new SallyportError('hook_failed', `the webhook's reply ${what}`)
}

const judged = { part: null, type: 'WEBHOOK', rule: 'webhook', start: 0, end: 0, confidence: 1 } as const
