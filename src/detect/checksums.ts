import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { aloneIdentifier, alonePhone } from './alone.ts'
import { digitsOf, isDate, luhn, remainder, same } from './arithmetic.ts'
import { european } from './identifiers-europe.ts'
import { worldwide } from './identifiers-world.ts'
import { identifiers } from './identifiers.ts'
import { isNoise, looksAssigned, looksCompared, looksLikePassword } from './assigned.ts'
import type { Site } from './assigned.ts'

export type Check = (value: string, site: Site) => boolean

/** Every check a rule can name in `checksum`. A check is asked after the pattern has matched, with the value alone. */
export const checksums: Readonly<Record<string, Check>> = {
  'alone-identifier': aloneIdentifier,
  'alone-phone': alonePhone,
  ...identifiers,
  ...european,
  ...worldwide,
  luhn,
  email,
  card,
  iban,
  'luhn-imei': (value) => luhn(value) && !same(digitsOf(value)),
  ipv4: (value) =>
    !value.startsWith('127.') &&
    value
      .split('/')[0]
      ?.split('.')
      .every((part) => Number(part) < 256) === true,
  ipv6: (value) => !/^::1?(?:\/\d+)?$/.test(value) && isIPv6((value.split('/')[0] ?? '').split('%')[0] ?? ''),
  phone: (value) => digitsOf(value).length >= 7 && digitsOf(value).length <= 17 && !same(digitsOf(value)),
  date: (value) => calendarDate(value),
  base58check,
  bech32,
  jwt,
  'github-crc': githubToken,
  basic: (value) => /^[^:\x00-\x1f]{1,256}:[^\x00-\x1f]{3,256}$/.test(Buffer.from(value, 'base64').toString('latin1')),
  'base64-jwt': encodedJwt,
  'base64-json': (value) => startsLikeJson(value),
  password: looksLikePassword,
  assigned: looksAssigned,
  noise: isNoise,
  compared: looksCompared,
}

/** No two dots together in the local part, and no file name (`image@2x.png`) or version (`pkg@1.2.beta`) in place of a domain. */
function email(value: string): boolean {
  const at = value.lastIndexOf('@')
  const domain = value.slice(at + 1)
  return (
    !value.slice(0, at).includes('..') &&
    !/\.\d\.\w{1,8}$|\.(?:png|jpe?g|gif|svg|webp|avif|js|mjs|ts|css|local[A-Z]\w*)$|^\d+x\./.test(domain)
  )
}

/** Issuer ranges with their lengths, and Luhn (UATP and others without a range of their own are left out). */
function card(value: string): boolean {
  const digits = value.replace(/\D/g, '')
  const lengths = issuers.find(({ range }) => range.test(digits))?.lengths
  return lengths !== undefined && lengths.includes(digits.length) && luhn(digits) && !same(digitsOf(digits))
}

function iban(value: string): boolean {
  const bare = value.replace(/[\s-]/g, '').toUpperCase()
  return ibanLengths[bare.slice(0, 2)] === bare.length && remainder(bare.slice(4) + bare.slice(0, 4), 97) === 1
}

function calendarDate(value: string): boolean {
  const numbers = value.match(/\d+/g)?.map(Number) ?? []
  const [a = 0, b = 0, c = 0] = numbers
  if (numbers.length < 3) return true
  return a > 31 ? isDate(a, b, c) : isDate(c, b, a) || isDate(c, a, b)
}

function base58check(value: string): boolean {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let number = 0n
  for (const char of value) number = number * 58n + BigInt(alphabet.indexOf(char))
  const bytes = Buffer.from(number.toString(16).padStart(50, '0'), 'hex')
  if (bytes.length !== 25) return false
  return sha256(sha256(bytes.subarray(0, 21)))
    .subarray(0, 4)
    .equals(bytes.subarray(21))
}

/** BIP 173 and BIP 350. */
function bech32(value: string): boolean {
  const text = value.toLowerCase()
  const split = text.lastIndexOf('1')
  const human = text
    .slice(0, split)
    .split('')
    .map((char) => char.charCodeAt(0))
  const data = text
    .slice(split + 1)
    .split('')
    .map((char) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(char))
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let check = 1
  for (const five of [...human.map((code) => code >> 5), 0, ...human.map((code) => code & 31), ...data]) {
    const top = check >>> 25
    check = ((check & 0x1ffffff) << 5) ^ five
    for (const [bit, generator] of generators.entries()) if ((top >> bit) & 1) check ^= generator
  }
  return check === 1 || check === 0x2bc830a3
}

/** RFC 7519: the header decodes to an object with `alg`; the payload, when it is not encrypted, to an object. What was copied with a slip still looks like JSON, and counts. */
function jwt(value: string): boolean {
  const [header = '', payload = ''] = value.split('.')
  const head = decodedJson(header)
  if (head === undefined) return startsLikeJson(header) && namesAlgorithm(header) && startsLikeJson(payload)
  if (typeof head['alg'] !== 'string') return false
  return head['enc'] !== undefined || decodedJson(payload) !== undefined || startsLikeJson(payload)
}

function namesAlgorithm(header: string): boolean {
  return /"alg"\s*:/.test(Buffer.from(header.slice(0, 512), 'base64').toString('latin1'))
}

function decodedJson(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Base64 of a JSON Web Token, or of the beginning of one. */
function encodedJwt(value: string): boolean {
  return startsLikeJson(Buffer.from(value.slice(0, 128), 'base64').toString('latin1').split('.')[0] ?? '')
}

function startsLikeJson(value: string): boolean {
  return /^\s*\{\s*"\w/.test(Buffer.from(value.slice(0, 64), 'base64').toString('latin1'))
}

/** The last six characters are the CRC-32 of the rest in base 62. Tokens of before 2021 have none. */
function githubToken(value: string): boolean {
  return new Set(value.slice(4)).size > 8
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

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
