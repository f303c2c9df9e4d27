/** Where a value stands: checks of values in code look at what is round them. */
export type Site = { readonly text: string; readonly start: number; readonly end: number }

/** Whether what stands behind `token =`, `"api_key":` and the like is a credential rather than code, prose or an identifier. */
export function looksAssigned(value: string, site: Site): boolean {
  if (isCode(value, site) || harmlessName(site)) return false
  if (/^\d{1,14}$/.test(value) || errorName.test(value) || pathLike.test(value) || versionOrDate.test(value))
    return false
  const digits = value.replace(/\D/g, '').length
  if (digits === 0) return isMixed(value) || isNoise(value)
  return digits > 1 || /[A-Z]/.test(value) || value.length >= 16
}

function isMixed(value: string): boolean {
  return value.length >= 24 && /[a-z]/.test(value) && /[A-Z]/.test(value) && !hasWords(value)
}

/** Letters between signs of many kinds, as no code or prose has them. */
export function isNoise(value: string): boolean {
  const signs = new Set(value.replace(/[\w\s.,:/-]/g, ''))
  return value.length >= 12 && signs.size >= 5 && !/^\^|\$$|\\[dwsb]|\(\?|\[\^|A-Z|%[sd]/.test(value)
}

/** Whether what stands behind `password =` and the like is one. */
export function looksLikePassword(value: string, site: Site): boolean {
  if (isCode(value, site) || harmlessName(site)) return false
  if (/^[,:;)+\]}@>]/.test(value) || pathLike.test(value)) return false
  if (listed.test(site.text.slice(Math.max(0, site.start - 12), site.start)) && /^[A-Za-z]+$/.test(value)) return false
  if (isQuoted(site)) return !/\s{2}|^[A-Z][a-z]+ | [a-z]+ [a-z]+ [a-z]+/.test(value) && !sameAsName(value, site)
  return /\d|[!@#$%^&*?~+=]/.test(value) && !sameAsName(value, site)
}

/** Whether what is compared with a password or token is one itself, rather than the name of a kind of it. */
export function looksCompared(value: string, site: Site): boolean {
  return (
    isNoise(value) || (/\d/.test(value) && /[A-Za-z]/.test(value) && !isCode(value, site) && !versionOrDate.test(value))
  )
}

function isQuoted(site: Site): boolean {
  return '"\'`'.includes(site.text.charAt(site.start - 1)) && site.start > 0
}

/** Names of types and constants, calls, paths, addresses, interpolations. */
function isCode(value: string, site: Site): boolean {
  if (constants.test(value) || references.test(value)) return true
  const next = site.text.charAt(site.end)
  if (next === '(' || next === '[' || next === '{') return true
  if (isQuoted(site)) return false
  return (
    (memberAccess.test(value) && !value.split(/\.|::|->/).some(isOpaque)) ||
    (next === '.' && /^\.\w/.test(site.text.slice(site.end, site.end + 2))) ||
    (/^[A-Za-z_$][\w$]*[?!]?$/.test(value) && (!/\d/.test(value) || (isWordy(value) && /[a-z][A-Z]/.test(value))))
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

/** `token_count`, `secretName`, `public_key`: what is named there is no secret. */
function harmlessName(site: Site): boolean {
  const name = nameBefore(site)
  return name !== '' && (harmlessEnd.test(name) || harmlessPart.test(name))
}

function sameAsName(value: string, site: Site): boolean {
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  return bare(value) === bare(nameBefore(site))
}

/** The last word before the value, an operator and quotes apart, at most 32 characters away and 64 long; `is` and `string` are none. */
function nameBefore({ text, start }: Site): string {
  let end = start
  while (end > 0 && start - end < 32 && !inName(text.charCodeAt(end - 1))) end--
  let begin = end
  while (begin > 0 && end - begin < 64 && inName(text.charCodeAt(begin - 1))) begin--
  const name = text.slice(begin, end)
  return /^(?:is|string)$/i.test(name) && begin > 0 ? nameBefore({ text, start: begin, end }) : name
}

/** Letters, digits, `_`, `$`, `.`, `-`. */
function inName(code: number): boolean {
  return (
    (code > 47 && code < 58) ||
    (code > 64 && code < 91) ||
    (code > 96 && code < 123) ||
    code === 95 ||
    code === 36 ||
    code === 46 ||
    code === 45
  )
}

function hasWords(value: string): boolean {
  return /^[A-Z]?[a-z]{2,}(?:[A-Z_ -]?[a-z]{2,})*$/.test(value)
}

const constants =
  /^(?:null|nil|none|undefined|true|false|string|str|int|integer|number|bool|boolean|bytes|object|any|void|self|this|optional|required|function|default|unknown|empty|password|passwd|secret|token|char|text|varchar|input|hidden|enabled|disabled|yes|no)[?;,!\][|]*$/i
const references =
  /^(?:https?:\/\/|file:|\.{0,2}\/(?:[\w.-]+\/){1,}[\w.-]*$|[A-Za-z]:\\|@[\w-]+\/|sha(?:1|256|384|512)-|arn:|data:|urn:|secretKeyRef|op:\/\/|vault:|ENC\[|!(?:[A-Z]\w*|vault|secret|env)(?:\s|$))/
const errorName = /^[A-Z]{2,}(?:_[A-Z]{2,}|_\d{1,6}){2,}$/
const pathLike = /^[a-z_]+(?:\/[a-z_-]+)+(?:[#.][a-z_]+)?$|^#[a-z_-]+$/
const listed = /["'`]\s{0,4},\s{0,4}\\{0,3}["'`]$/
const memberAccess = /^[*&!]?[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)+[?!]?$/
const versionOrDate = /^v?\d+(?:[.:/-]\d+)+(?:[TZ ][\d:.Z+-]*)?$/
const harmlessEnd =
  /(?:name|path|file|dir|url|uri|type|count|length|size|limit|index|ref|field|label|prefix|suffix|env|header|format|class|version|policy|mode|usage|budget|expir\w*|endpoint|alias|algorithm|hash|timeout|at|by|column|selector|_id|-id|Id|ID|ids|placeholder|hint|regex|pattern|provider|store|manager|schema|kind|status|title|message|description|for|from|tokens|keys)$/i
const harmlessPart =
  /public|cache_?key|primary_?key|foreign|partition|sort_?key|object_?key|event|csrf|nonce|integrity|checksum|fingerprint|etag|commit|idempot|monkey|keyboard|keyword|author(?!iz)|tokeniz|translat|i18n|pass(?:ed|ive|enger|ing|_rate|es\b)|compass|bypass/i
