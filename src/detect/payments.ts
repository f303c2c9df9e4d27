import { standsAlone } from './alone.ts'
import { digitsOf, luhn, remainder, same } from './arithmetic.ts'
import type { Site } from './assignment.ts'

/** Cards and accounts. */
export const payments = { card, iban } as const satisfies Record<string, (value: string, site: Site) => boolean>

/**
 * Issuer ranges with their lengths, and Luhn (UATP and others without a range of their own are left out). Numbers of a length that
 * few cards have, without groups, want a word for cards before them, or to stand alone.
 */
function card(value: string, site: Site): boolean {
  const digits = value.replace(/\D/g, '')
  const lengths = issuers.find(({ range }) => range.test(digits))?.lengths
  if (lengths === undefined || !lengths.includes(digits.length) || !luhn(digits) || same(digitsOf(digits))) return false
  if (value !== digits || (digits.length > 13 && digits.length < 17)) return true
  const before = `${site.key ?? ''} ${site.text.slice(Math.max(0, site.start - 60), site.start)}`
  return cardWords.test(before) || standsAlone({ ...site, key: '' })
}

/** ISO 13616: the length of the country, and the remainder of 97. Letters are all capitals or all small. */
function iban(value: string): boolean {
  const bare = value.replace(/[\s-]/g, '')
  const account = bare.slice(4)
  if (/[a-z]/.test(account) && /[A-Z]/.test(account)) return false
  const upper = bare.toUpperCase()
  return ibanLengths[upper.slice(0, 2)] === upper.length && remainder(upper.slice(4) + upper.slice(0, 4), 97) === 1
}

const cardWords = /card|visa|maestro|amex|credit|debit|kart|carte|tarjeta|carta|cart[aã]o|\bcc\b|\bpan\b|pay|卡|カード/i

const issuers: readonly { range: RegExp; lengths: readonly number[] }[] = [
  { range: /^4/, lengths: [13, 16, 19] },
  { range: /^(?:5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720))/, lengths: [16] },
  { range: /^3[47]/, lengths: [15] },
  { range: /^3(?:0[0-59]|[689])/, lengths: [14, 16, 19] },
  { range: /^(?:6011|64[4-9]|65)/, lengths: [16, 19] },
  { range: /^35/, lengths: [16, 17, 18, 19] },
  { range: /^(?:2131|1800)/, lengths: [15] },
  { range: /^(?:62|81)/, lengths: [16, 17, 18, 19] },
  { range: /^(?:50|5[6-9]|6[0-9])/, lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
  { range: /^220[0-4]/, lengths: [16, 17, 18, 19] },
  { range: /^9792/, lengths: [16] },
]

/** ISO 13616 registry: country → length. */
const ibanLengths: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AL: 28,
  AT: 20,
  AZ: 28,
  BA: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BI: 27,
  BR: 29,
  BY: 28,
  CH: 21,
  CR: 22,
  CY: 28,
  CZ: 24,
  DE: 22,
  DJ: 27,
  DK: 18,
  DO: 28,
  DZ: 26,
  EE: 20,
  EG: 29,
  ES: 24,
  FI: 18,
  FK: 18,
  FO: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GL: 18,
  GR: 27,
  GT: 28,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IQ: 23,
  IR: 26,
  IS: 26,
  IT: 27,
  JO: 30,
  KW: 30,
  KZ: 20,
  LB: 28,
  LC: 32,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  LY: 25,
  MA: 28,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MN: 20,
  MR: 27,
  MT: 31,
  MU: 30,
  MZ: 25,
  NI: 28,
  NL: 18,
  NO: 15,
  OM: 23,
  PK: 24,
  PL: 28,
  PS: 29,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  RU: 33,
  SA: 24,
  SC: 31,
  SD: 18,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  SO: 23,
  ST: 25,
  SV: 28,
  TL: 23,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  VG: 24,
  XK: 20,
  YE: 30,
}
