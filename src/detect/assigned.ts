import { assignmentBefore, isQuoted, isShellVariable } from './assignment.ts'
import type { Assignment, Site } from './assignment.ts'
import { entropy } from './entropy.ts'

export type { Site } from './assignment.ts'

/** Whether what stands behind `token =`, `"api_key":` and the like is a credential rather than code, prose or an identifier. */
export function looksAssigned(value: string, site: Site): boolean {
  const assignment = assignmentBefore(site)
  if (isHarmless(assignment.name) || neverSecret(value)) return false
  if (isMadeUp(value)) return true
  if (isCode(value, site) || (value.length < 24 && /[a-z]/i.test(value) && entropy(value) < 2.7)) return false
  if (/^\d{1,14}$/.test(value) || (/^\d+$/.test(value) && assignment.name === 'key')) return false
  if (otherKey.test(assignment.name) || (/^[A-F\d]{40}$/.test(value) && /pgp|gpg|finger/i.test(before(site, 40))))
    return false
  if (badge.test(before(site, 16)) || (isIdentifier(value) && !isShellVariable(assignment))) return false
  const digits = value.replace(/\D/g, '').length
  if (digits === 0) return isGibberish(value) || isMixed(value) || isNoise(value)
  if (value.length < 16 && keyOnly.test(assignment.name)) return digits > 2 && isDense(value)
  return digits > 1 || /[A-Z]/.test(value) || value.length >= 16
}

/** Whether what stands behind `password =` and the like is one. */
export function looksLikePassword(value: string, site: Site): boolean {
  const assignment = assignmentBefore(site)
  const { name, sign } = assignment
  if (isCode(value, site) || isHarmless(name) || isListed(value, assignment)) return false
  if (neverSecret(value) || /^[,:;)+\]}@>]|[:?]\s?$/.test(value)) return false
  if (!namesPassword(name) || (sign.includes('(') && asking.test(name))) return false
  if (isSameAsName(value, name)) return false
  if (isQuoted(site))
    return !/\s{2}|(?:^| )(?:a|the|my|your|some|top|enter|new|password|secret)(?: |$)|^[A-Z][a-z]+ | [a-z]+ [a-z]+ [a-z]+/.test(
      value,
    )
  if (isShellVariable(assignment)) return true
  if (isIdentifier(value) && /[A-Z]/.test(value)) return false
  return /\d|[!@#$%^&*?~+=]/.test(value)
}

/** Whether what is compared with a password or token is one itself, rather than the name of a kind of it. */
export function looksCompared(value: string, site: Site): boolean {
  return (
    isNoise(value) || (/\d/.test(value) && /[A-Za-z]/.test(value) && !isCode(value, site) && !versionOrDate.test(value))
  )
}

/** Letters between signs of many kinds, as no code or prose has them. */
export function isNoise(value: string): boolean {
  if (value.length < 12) return false
  const signs: string[] = []
  for (const char of value) {
    const plain = plains[char.charCodeAt(0)]
    if (plain === 1 || (plain === undefined && /\s/.test(char)) || signs.includes(char)) continue
    if (signs.push(char) === 5) break
  }
  return signs.length === 5 && !expression.test(value)
}

/** A long run of the alphabet, or the same few digits again and again: nobody's name for anything. */
function isMadeUp(value: string): boolean {
  return (
    value.length >= 20 &&
    (/abcdefghij|ABCDEFGHIJ|bcdefABCDEF/.test(value) ||
      (value.length >= 24 && /^(?:abcdef|ABCDEF|\d){4,64}$/.test(value)))
  )
}

/** Letters as a machine draws them: capitals anywhere, or six consonants in a row. */
function isGibberish(value: string): boolean {
  if (value.length < 16 || !/^[A-Za-z]+$/.test(value)) return false
  const words = value.match(camelWords) ?? []
  return value.length < words.length * 3 || (value.length >= 20 && words.some((word) => unspeakable.test(word)))
}

/** No word in it of more than three letters. */
function isDense(value: string): boolean {
  return /^[A-Za-z0-9]+$/.test(value) && !/[a-z]{4}/i.test(value)
}

function isMixed(value: string): boolean {
  return (
    value.length >= 24 && /^[\w+/=~.-]+$/.test(value) && /[a-z]/.test(value) && /[A-Z]/.test(value) && !hasWords(value)
  )
}

/** Names of types and constants, calls, paths, addresses, interpolations. */
function isCode(value: string, site: Site): boolean {
  if (constants.test(value) || references.test(value)) return true
  if (isGibberish(value)) return false
  const next = site.text.charAt(site.end)
  if (next === '(' || next === '[' || next === '{') return true
  if (isQuoted(site)) return false
  return (
    /^(?:this|self)\b|\(\)|^[\w$.]+\([\w$., ]*\)$|^[!=]+[A-Za-z_$]+$/.test(value) ||
    (memberAccess.test(value) && !value.split(/\.|::|->/).some(isOpaque)) ||
    (next === '.' && /^\.\w/.test(site.text.slice(site.end, site.end + 2))) ||
    (/^[A-Za-z_$][\w$]*[?!]?$/.test(value) &&
      (!/\d/.test(value) || (isWordy(value) && /[a-z][A-Z]/.test(value))) &&
      !isShellVariable(assignmentBefore(site)))
  )
}

/** No name of a variable or member has so many characters and several digits among them. */
function isOpaque(part: string): boolean {
  return part.length >= 20 && part.replace(/\D/g, '').length >= 3 && !isWordy(part)
}

/** Words run together, as in names: at least half of it is in runs of four small letters and more. */
function isWordy(value: string): boolean {
  let inWords = 0
  for (const word of value.match(/[a-z]{4,}/g) ?? []) inWords += word.length
  return inWords * 2 >= value.length
}

/** Words put together with hyphens, dots, colons, underscores or capitals, at most two numbers and a date between them: `x-amz-content-sha256`. */
function isIdentifier(value: string): boolean {
  const undated = value.replace(/\d{4}-\d\d-\d\d/, '')
  if (!/^[A-Za-z0-9_$.:#>[\]*-]+$/.test(undated)) return false
  const words = undated.match(camelWords) ?? []
  const numbers = undated.match(/\d+/g) ?? []
  const letters = words.reduce((sum, word) => sum + word.length, 0)
  return (
    words.length > 1 &&
    letters >= words.length * 3.2 &&
    numbers.length <= 2 &&
    numbers.join('').length <= 5 &&
    words.every((word) => word.length < 16 && !unspeakable.test(word))
  )
}

/** `token_count`, `secretName`, `public_key`: what is named there is no secret. */
function isHarmless(name: string): boolean {
  return name !== '' && (harmlessEnd.test(name) || harmlessPart.test(name))
}

/** An element of a list or an argument that follows a word for a secret: only in `set("password", "x")` and `{"password", "x"}` is it the value. */
function isListed(value: string, { name, sign, opener }: Assignment): boolean {
  if (!sign.includes(',')) return false
  if (/^\s*,/.test(sign) && /^[A-Z][A-Z0-9_]+$/.test(name)) return false
  if (!/^\\{0,3}["'`]/.test(sign) || name.includes('.') || !endsInPassword.test(name)) return true
  return !'({='.includes(opener) || memberAccess.test(value) || value.startsWith(name) || /[*[\]]/.test(value)
}

/** `password` may stand anywhere in the last part of a name, `pass` and shorter words at its end; methods (`password.encode`) are none. */
function namesPassword(name: string): boolean {
  if (longPassword.test(name))
    return !/\.(?!set|value|default|plain|text|equals|compare|\w*(?:pass|pwd))[a-z]\w*$/i.test(name)
  return !/pass|pw/i.test(name) || name.startsWith('-') || shortPassword.test(name)
}

function isSameAsName(value: string, name: string): boolean {
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  return bare(value) === bare(name)
}

function neverSecret(value: string): boolean {
  return (
    errorName.test(value) ||
    pathLike.test(value) ||
    versionOrDate.test(value) ||
    fileName.test(value) ||
    /^0x[\da-f]{1,8}$|&(?:quot|lt|gt|#x3c|#x3e|#39)\b|^\(\?|%s|^[\w$]+\.[\w$]+=|[\0-\x08\x0e-\x1f\ufffd]|^[a-z]+&\w+=|0123456789(?:\+\/|-_)=?$/i.test(
      value,
    )
  )
}

function before({ text, start }: Site, chars: number): string {
  return text.slice(Math.max(0, start - chars), start)
}

function hasWords(value: string): boolean {
  return /^[A-Z]?[a-z]{2,}(?:[A-Z_ -]?[a-z]{2,})*$/.test(value)
}

const constants =
  /^(?:null|nil|none|undefined|true|false|string|str|int|integer|number|bool|boolean|bytes|object|any|void|self|this|optional|required|function|default|unknown|empty|password|passwd|secret|token|char|text|varchar|input|hidden|enabled|disabled|yes|no|utf-?(?:8|16)|utf-?16[lb]e|ascii|latin-?1|base64|hex|binary|salt|md5|(?:cram|digest)-md5|sha-?\d{1,3}|Uint8Array)[?;,!\][|]*$/i
const references =
  /^(?:https?:\/\/|file:|\.{0,2}\/(?:[\w.-]+\/){1,}[\w.-]*$|[A-Za-z]:\\|@[\w-]+\/|sha(?:1|256|384|512)-|arn:|data:|urn:|secretKeyRef|op:\/\/|vault:|ENC\[|!(?:[A-Z][A-Za-z]*|vault|secret|env)(?:\s|$))/
const errorName = /^[A-Z]{2,}(?:_[A-Z]{2,}|_\d{1,6}){2,}$/
const pathLike = /^[a-z_]+(?:\/[a-z_-]+)+(?:[#.][a-z_]+)?$|^#[a-z_-]+$|^[*~]?\/?(?:[*\w.-]+\/){2,}[\w.*-]*\.[a-z]{1,5}$/
const memberAccess = /^[*&!]?[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)#?[A-Za-z_$][\w$]*)+[?!:;]?$/
const versionOrDate = /^v?\d+(?:[.:/-]\d+)+(?:[TZ ][\d:.Z+-]*)?$/
const expression =
  /&(?:quot|lt|gt|#x3c|#x3e|#39);|^\^|\$$|\\[dwsb]|\(\?|\[\^|A-Z|%[sd]|=>|\bfunction\b|\breturn\b|\bthis\.|\w\.\w+\(|\w\(\w*[),]|&&|\|\||[!=]==|\w,\w/
/** Of ASCII, what is no sign. */
const plains = Array.from({ length: 128 }, (_, code) => (/[\w\s.,:/-]/.test(String.fromCharCode(code)) ? 1 : 0))
const camelWords = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g
const unspeakable = /^(?!.*(?:HTTP|HTML|XML|SSL|TLS|CSS)).*[bcdfghjklmnpqrstvwxz]{6}/i
/** Names that say `key`, `private` or `access` and nothing stronger. */
const keyOnly =
  /^(?!.*(?:secret|token|pass|api|auth|cred|app|master|sign|crypt|account|client|(?:access|private)[_-]?key))/i
const fileName =
  /^[\w./~@-]{1,80}\.(?:pem|key|crt|cer|p12|pfx|pub|asc|jks|json|ya?ml|toml|lock|xml|csv|txt|md|env|conf|cfg|ini|log|[cm]?[jt]sx?|py|go|rs|rb|php|java|sh|html?|css|png|svg|gif|jpe?g|zip|t?gz|tar|so|dll|exe)$/i
const badge = /\.(?:svg|png)\?token=$/
/** `KeyError`, `PrivateMethod`: the word for a secret is the beginning of another. */
const otherKey = /^(?!.*(?:secret|token|pass|api|auth|cred)).*(?:key|private|access)[A-Za-z]{4,}$/i
const longPassword = /pass-?_?(?:word|wd|wort|phrase|code|key)|kennwort|contrase|mot de passe|senha/i
const shortPassword =
  /(?:pass|pwd|(?<![a-z])pw|(?<=[a-z])P[wW])(?:[_-]?\d{1,3}|[_-](?:prod|dev|test|live|stag|env|val|new|old|admin|root|user|db)\w{0,8})?[._-]?$/i
const endsInPassword =
  /(?:pass-?_?(?:word|wd|wort|phrase|code)|pass|pwd|pw|secret|token|key|cred|credentials?)["'`\\]*$/i
const asking =
  /^(?:.*\.)?(?:pass$|get|ask|read|prompt|check|verify|is|has|validate|hash|forgot|show|hide|toggle|confirm|need|require)/i
const harmlessEnd =
  /(?:name|path|file|dir|url|uri|type|(?<!ac)count|length|size|limit|index|ref|field|label|prefix|suffix|env|header|format|class|version|policy|mode|usage|budget|expir\w*|endpoint|alias|algorithm|hash|timeout|(?<!p)at|by|column|selector|_id|-id|Id|ID|ids|IdHex|placeholder|hint|regex|pattern|provider|store|manager|schema|kind|status|title|message|description|signature|for|from|tokens|keys)$/i
const harmlessPart =
  /public|pub_?key|keybase|cache_?key|primary_?key|foreign|partition|sort_?key|object_?key|event|csrf|nonce|integrity|checksum|fingerprint|etag|commit|idempot|monkey|keyboard|keyword|author(?!iz)|tokeniz|translat|i18n|pass(?:ed|ive|enger|ing|_rate|es\b|_?through)|compass|bypass/i
