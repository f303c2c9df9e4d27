import { z } from 'zod'
import { addressSet } from '../lib/ip.ts'

/** What an operator says of a virtual key. An empty list is no restriction, a missing limit is none. */
export type KeySettings = z.infer<typeof keySettings>

export type KeyLimits = KeySettings['limits']

const whole = z.int('must be a whole number').min(1, 'must be at least 1')
const money = z.number().positive('must be more than 0').max(1_000_000_000)

/** The text before the first colon of Basic credentials is the name (RFC 7617, 2): it has none, and no control characters. */
const name = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must have at most 128 characters')
  .refine((text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text), 'must have no control characters')

/** Requests and tokens per minute, hour and day, US dollars per day and month, requests at a time, tokens of one request. */
const limits = z.strictObject({
  rpm: whole.optional(),
  rph: whole.optional(),
  rpd: whole.optional(),
  tpm: whole.optional(),
  tpd: whole.optional(),
  usdDay: money.optional(),
  usdMonth: money.optional(),
  parallel: whole.optional(),
  maxInputTokens: whole.optional(),
  maxOutputTokens: whole.optional(),
})

export const limitNames = Object.keys(limits.shape) as readonly (keyof KeyLimits)[]

export const keySettings = z.strictObject({
  name: name
    .transform((text) => text.normalize('NFC'))
    .refine((text) => !text.includes(':') && text.trim() === text, 'must have no colon, and no space at its ends'),
  owner: name.nullable().default(null),
  models: z
    .array(z.string().regex(/^\S{1,256}$/, 'must be names without spaces'))
    .max(1_000)
    .default([]),
  limits: limits.prefault({}),
  /** Networks and addresses of clients. */
  allow: z
    .array(z.string().refine(isNetwork, 'must be networks such as 10.0.0.0/8, or addresses'))
    .max(1_000)
    .default([]),
  systemPrompt: z.string().min(1, 'must not be empty').max(65_536).nullable().default(null),
  /** ISO 8601 in UTC with milliseconds. */
  expires: z.iso.datetime({ precision: 3 }).nullable().default(null),
})

function isNetwork(text: string): boolean {
  try {
    addressSet([text])
    return true
  } catch {
    return false
  }
}
