import { isIPv4, isIPv6 } from 'node:net'
import { digitsOf, same } from './arithmetic.ts'
import type { Site } from './assignment.ts'
import { isPlaceholder } from './placeholder.ts'

/** Addresses and numbers at which people and machines are reached. */
export const contacts = {
  email,
  phone: internationalPhone,
  'phone-national': nationalPhone,
  ipv4: (value, site) => isIPv4(value.split('/')[0] ?? '') && !value.startsWith('127.') && !looksNumbered(value, site),
  'ipv4-loopback': (value) => isIPv4(value.split('/')[0] ?? ''),
  ipv6: (value, site) =>
    !/^::1?(?:\/\d+)?$/.test(value) &&
    !(/^::\d?$/.test(value) && site.text[site.start - 1] === '[') &&
    isIPv6((value.split('/')[0] ?? '').split('%')[0] ?? ''),
  'ipv6-short': (value) => isIPv6(value.split('/')[0] ?? ''),
  mac: (value) => !/^[0.: -]+$/.test(value),
  'url-credentials': (value) => !isPlaceholder(value) && !isPlaceholder(value.slice(value.indexOf(':') + 1)),
} as const satisfies Record<string, (value: string, site: Site) => boolean>

/**
 * No two dots together in the local part, no `git@` of a repository, no password of a URL (`://user:password@host`), and no file name
 * (`image@2x.png`) or version (`pkg@1.2.beta`) in place of a domain.
 */
function email(value: string, { text, start }: Site): boolean {
  const at = value.lastIndexOf('@')
  const domain = value.slice(at + 1)
  return (
    !value.slice(0, at).includes('..') &&
    !value.startsWith('git@') &&
    !/:\/\/[^\s:/?#@]{1,64}:$/.test(text.slice(Math.max(0, start - 68), start)) &&
    !/\.\d\.\w{1,8}$|\.(?:png|jpe?g|gif|svg|webp|avif|js|mjs|ts|css|local[A-Z]\w*)$|^\d+x\./.test(domain)
  )
}

/** ITU-T E.164: a country code that exists, 7 to 15 digits, an extension apart. */
function internationalPhone(value: string): boolean {
  const digits = withoutExtension(value).replace(/\D/g, '')
  return digits.length >= 7 && digits.length <= 16 && countryCode.test(digits) && !same(digitsOf(digits.slice(2)))
}

/** A number behind a word for telephones: not a date, a span of years, a size or a hash, and neither too short nor too long. */
function nationalPhone(value: string, { text, start, end, key }: Site): boolean {
  const number = withoutExtension(value)
  const digits = digitsOf(number)
  if (digits.length < 7 || digits.length > 15 || same(digits)) return false
  if (notPhones.test(number) || /^ {0,1}(?:\/ |[%€$£]|[kKMG]B\b|ms\b|bytes)/.test(text.slice(end, end + 7)))
    return false
  if (/\D/.test(number) || digits[0] === 0 || digits.length > 9 || digits.length === 8) return true
  return label.test(`${key ?? ''}:`) || label.test(text.slice(Math.max(0, start - 24), start))
}

/** `2.5.4.10`: five digits or fewer, a section or an object identifier unless something says that it is an address. */
function looksNumbered(value: string, { text, start, end, key }: Site): boolean {
  if (value.includes('/') || (value.replace(/\D/g, '').length > 5 && !objectIdentifier.test(value))) return false
  if (start === 0 && end === text.length) return false
  if (/^(?:0|10)\.0\.|^0\.0\./.test(value)) return false
  const before = `${key ?? ''} ${text.slice(Math.max(0, start - 40), start)}`
  return !addressWords.test(before) && !/^:\d{2,5}/.test(text.slice(end, end + 6))
}

function withoutExtension(value: string): string {
  return value.replace(/ ?(?:x|ext\.?|extension) ?\d{1,6}$/i, '')
}

const countryCode =
  /^(?:1|7|2[07]|3[0-469]|4[0-13-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-689]\d|3[578]\d|42\d|5[09]\d|6[7-9]\d|8[05789]\d|9[679]\d)/

// Right before the number: some countries have numbers of seven and nine digits without a zero.
const label =
  /(?:phone|tel|mobile?|cell|fax|telefon\p{L}*|gsm|msisdn|whatsapp|telefone|móvil|celular|numara|номер|телефон|тел|电话|手机|電話|전화)(?:[ _-]?(?:no|nr|number|num))?\P{L}{1,5}$/iu

/** Spans of years, days of the calendar, versions, powers of two. */
const notPhones =
  /^(?:(?:19|20)\d\d ?[-–/] ?(?:19|20)\d\d|(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./]\d{1,2}(?:\D.*)?|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d|\d{1,2}\.\d{1,3}\.\d{1,3}(?: ?\/.*)?|2147483647|2147483648|4294967295|4294967296|1073741824|134217728)$/

const objectIdentifier = /^(?:1\.[0-3]|2\.5)\./

const addressWords =
  /\b(?:ipv?4?|addr\w*|hosts?|hostname|server|dns|ping|from|client|network|subnet|gateway|router|proxy|src|dst|primary|default)\b|:\/\//i
