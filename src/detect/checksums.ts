import { aloneIdentifier, alonePhone } from './alone.ts'
import { digitsOf, isDate, luhn, same } from './arithmetic.ts'
import { contacts } from './contacts.ts'
import { european } from './identifiers-europe.ts'
import { worldwide } from './identifiers-world.ts'
import { identifiers } from './identifiers.ts'
import { names } from './names.ts'
import { payments } from './payments.ts'
import { wallets } from './wallets.ts'
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
  'luhn-imei': (value) => luhn(value) && !same(digitsOf(value)),
  ...contacts,
  ...names,
  ...payments,
  ...wallets,
  date: (value) => calendarDate(value),
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

/** How many characters behind a value its check reads. */
export function readingOn(check: string | undefined): number {
  return check !== undefined && siteReaders.has(check) ? 8 : 0
}

function calendarDate(value: string): boolean {
  const numbers = value.match(/\d+/g)?.map(Number) ?? []
  const [a = 0, b = 0, c = 0] = numbers
  if (numbers.length < 3) return true
  return a > 31 ? isDate(a, b, c) : isDate(c, b, a) || isDate(c, a, b)
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

const siteReaders = new Set([
  'alone-identifier',
  'alone-phone',
  'assigned',
  'compared',
  'host-name',
  'ipv4',
  'noise',
  'password',
  'phone-national',
])
