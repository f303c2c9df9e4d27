import { z } from 'zod'
import { compileKeywords, passesOver } from '../../detect/index.ts'
import type { RuleSet } from '../../detect/index.ts'
import { nextTurn } from '../../lib/async.ts'
import { SLICE } from '../detections.ts'
import { defineHook, type JudgeInput, type Judgement } from '../hook.ts'

/**
 * Looks at answers as a reader would: `QUALITY:empty`, `QUALITY:short`, `QUALITY:refusal`, `QUALITY:truncated`, `QUALITY:filtered`,
 * `QUALITY:repetition`, `QUALITY:pattern`. It changes nothing; where its rule flags at most, nobody waits for it.
 */
export const quality = defineHook({
  name: 'quality',
  stages: ['response'],
  options: z.strictObject({
    /** Characters of text an answer must have, unless it calls tools. */
    minLength: z.int().min(0).default(0),
    empty: z.boolean().default(true),
    refusal: z.boolean().default(true),
    /** Ended by the limit of tokens, or by the provider's filter. */
    truncated: z.boolean().default(true),
    /** So often may one stretch come again directly behind itself; 0 does not look. */
    maxRepeats: z.int().min(0).max(10_000).default(20),
    /** Expressions of the operator, in linear time. */
    patterns: z.array(z.string().min(1)).default([]),
  }),
  create: (options) => {
    const { patterns } = options
    const own =
      patterns.length === 0
        ? undefined
        : compileKeywords({ words: [], patterns, caseSensitive: false, name: 'quality' })
    return {
      afterwards: true,
      placeless: true,
      inspect: async (input, signal) => {
        // A message of a conversation is no answer by itself.
        if (input.continued === true) return nothing
        const { text, called } = said(input)
        // No model has finished anything where it does not say so: embeddings, lists, errors.
        const reason = input.answer?.finishReason ?? null
        const kinds = [
          ...lengthOf(text, called || reason === null, options),
          ...endOf(reason, options),
          ...(options.refusal && refuses(text) ? ['refusal'] : []),
          ...(options.maxRepeats > 0 && repeats(text, options.maxRepeats) ? ['repetition'] : []),
          ...(own !== undefined && (await finds(own, text, signal)) ? ['pattern'] : []),
        ]
        return kinds.length === 0 ? nothing : { findings: kinds.map(finding) }
      },
    }
  },
})

type Options = { readonly minLength: number; readonly empty: boolean; readonly truncated: boolean }

/** What the model says to the reader, as far as it is looked at; and whether it does something beside. */
function said({ parts, answer }: JudgeInput): { readonly text: string; readonly called: boolean } {
  let text = ''
  let called = (answer?.toolCalls.length ?? 0) > 0
  for (const part of parts) {
    if (part.kind === 'tool-arguments') called = true
    if (part.kind !== 'message') continue
    if (text.length < MOST) text += `${text === '' ? '' : '\n'}${part.text.slice(0, MOST - text.length)}`
  }
  return { text, called }
}

function lengthOf(text: string, called: boolean, { empty, minLength }: Options): string[] {
  const length = text.trim().length
  if (called) return []
  if (length === 0) return empty ? ['empty'] : []
  return length < minLength ? ['short'] : []
}

function endOf(reason: string | null, { truncated }: Options): string[] {
  const plain = (reason ?? '').toLowerCase()
  if (!truncated) return []
  return cutOff.has(plain) ? ['truncated'] : stopped.has(plain) ? ['filtered'] : []
}

/** A model that will not do it says so at once. */
function refuses(text: string): boolean {
  return refusal.test(text.slice(0, 240).replaceAll('’', "'"))
}

/** The end of a text that goes round in a circle: some stretch of up to 200 characters, again and again, with little else behind it. */
function repeats(text: string, most: number): boolean {
  const tail = text.slice(-TAIL).trimEnd()
  for (let period = 1; period <= 200 && period * (most + 1) <= tail.length; period++) {
    let run = 0
    for (let i = tail.length - 1 - period; i >= 0 && tail[i] === tail[i + period]; i--) run++
    const times = Math.floor(run / period)
    // Rules, ellipses and table lines are long runs of one character, and rightly so.
    if (times >= most && /[\p{L}\p{N}]/u.test(tail.slice(-period)) && times * period >= 60) return true
  }
  return false
}

/** In slices, with others' turns between: a pattern of an operator may take its time. */
async function finds(own: RuleSet, text: string, signal: AbortSignal): Promise<boolean> {
  const reading = passesOver([own])[0]?.read(text)
  while (reading?.advance(SLICE) === true) {
    await nextTurn()
    signal.throwIfAborted()
  }
  return reading?.found().some((found) => found.length > 0) === true
}

function finding(kind: string): Judgement['findings'][number] {
  return {
    part: null,
    type: `QUALITY:${kind}`,
    rule: 'quality',
    start: 0,
    end: 0,
    confidence: kind === 'refusal' || kind === 'repetition' ? 0.8 : 1,
    severity: 'low',
  }
}

const nothing: Judgement = { findings: [] }
const MOST = 1_000_000
const TAIL = 8_192
// The dialects' words: OpenAI, Anthropic, Gemini, Bedrock, Cohere.
const cutOff = new Set(['length', 'max_tokens', 'max_output_tokens', 'model_context_window_exceeded', 'error_limit'])
const stopped = new Set([
  'content_filter',
  'content_filtered',
  'guardrail_intervened',
  'refusal',
  'safety',
  'recitation',
  'blocklist',
  'prohibited_content',
  'spii',
  'image_safety',
  'error_toxic',
])
const refusal =
  /^\W{0,4}(?:(?:i'm|i am) (?:very |really |so )?sorry,? (?:but )?i |sorry, (?:but )?i (?:can|am|will)|i (?:can't|cannot|can not|won't|will not|am unable to|'m unable to|am not able to|'m not able to) (?:help|assist|comply|provide|do that|create|generate|fulfil|continue|engage|support|discuss)|i'm (?:unable|not able) to|i must (?:decline|refuse)|as an ai(?: language)? model,? i (?:can|am|do)|es tut mir leid, (?:aber )?(?:ich )?(?:dabei )?kann|ich kann (?:dir |ihnen )?(?:dabei |damit )?(?:leider )?nicht (?:helfen|behilflich)|(?:je suis )?désolée?, (?:mais )?je ne (?:peux|puis) pas|je ne (?:peux|puis) pas (?:vous |t')?aider|lo siento, (?:pero )?no puedo|no puedo ayudar|mi dispiace, (?:ma )?non posso|(?:desculpe|sinto muito), (?:mas )?não posso|(?:很)?抱歉[，,]?我(?:无法|不能)|申し訳(?:ありません|ございません)[がけれど、，]{1,6}[^。]{0,40}(?:できません|できかねます)|извините, (?:но )?я не могу)/i
