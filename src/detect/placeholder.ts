/** Whether a secret's value stands for a secret rather than being one: documentation examples, templates, masks, references. */
export function isPlaceholder(value: string): boolean {
  if (documented.has(value)) return true
  if (value.length > longValue) return templates.test(value) || repeats(value)
  return words.test(value) || templates.test(value) || repeats(value) || sequential(value)
}

// In so many characters of a key a word or a run of one letter comes about by chance (an OpenSSH key has dozens of `A` in a row).
const longValue = 120

/** One or two characters fill it, or a mask of one character covers half of it. */
function repeats(value: string): boolean {
  if (value.length < 4) return /^([*x.•#])\1*$/i.test(value)
  if (!hasThreeKinds(value)) return true
  for (let at = 0; at < value.length;) {
    const code = value.charCodeAt(at) | 32
    let end = at + 1
    while (end < value.length && (value.charCodeAt(end) | 32) === code && isSame(value, at, end)) end++
    if (end - at >= 6 && isMask(value.charAt(at), end - at)) return (end - at) * 3 >= value.length
    at = end
  }
  return false
}

function isMask(char: string, length: number): boolean {
  return (length >= 8 || masking.includes(char)) && !lineEnds.includes(char)
}

function hasThreeKinds(value: string): boolean {
  let second = 0
  for (let i = 1; i < value.length; i++) {
    if (isSame(value, 0, i) || (second > 0 && isSame(value, second, i))) continue
    if (second > 0) return true
    second = i
  }
  return false
}

/** Capitals of ASCII count as small letters. */
function isSame(value: string, a: number, b: number): boolean {
  const one = value.charCodeAt(a)
  const other = value.charCodeAt(b)
  return one === other || ((one | 32) === (other | 32) && (one | 32) > 96 && (one | 32) < 123)
}

/** `1234567890`, `abcdefghij`: nearly every character follows the one before. Long ones with many kinds of characters are keys that somebody made up, and used. */
function sequential(value: string): boolean {
  const text = value.replace(/^.{0,12}[_-]/, '').toLowerCase()
  if (text.length < 8 || text.length >= 16) return false
  let steps = 0
  for (let i = 1; i < text.length; i++) {
    const step = text.charCodeAt(i) - text.charCodeAt(i - 1)
    if (step === 1 || step === 0 || (text[i - 1] === '9' && (text[i] === '0' || text[i] === 'a'))) steps++
  }
  return steps >= (text.length - 1) * 0.9
}

const words =
  /EXAMPLE|(?:^|[^a-z])(?:example|sample|dummy|placeholder|redacted|changeme|change[_-]me|insert[_-]|replace[_-]?(?:me|with)|todo|your|fake|not[_-]set)(?:[^a-z]|$)|fake(?:key|token|secret|pass)|your[_-]|[_-]here$|not[_-]?a?[_-]?real|xxxx|^(?:my|the|some|real|test|db|user|admin)?[_-]?(?:secret|password|passwd|pass|token|key|api[_-]?key)$|^(?:secret|password|pass)[_-]?(?:\d{1,3}|value)$|^secret-[a-z\d-]{1,12}$|^(?:asdfg?|qwer|guest|abc123|foo|bar|baz|xyz|abc)$|anoncvs$|^123456:ABC-DEF|^(?:user(?:name)?|login|name|admin|id|client_id):(?:pass(?:word|wd)?|token|secret|client_secret)$/i

const templates =
  /^<[^>]{0,80}>?$|\$\{[\w.:-]{1,64}\}?$|^\$\{|\{\{[\s\w.|"'()-]{0,80}\}\}|^\$\(|^\$[A-Za-z_]\w{2,40}$|^%[A-Za-z_]+%?$|^\{[A-Za-z_.]+\}$|process\.env|os\.environ|getenv|^\.{3}|\.{3}$|…|^#\{/

const masking = '*xX.•#'
const lineEnds = '\n\r\u2028\u2029'

/** Of RFC 6749, 6750 and 7519. */
const documented: ReadonlySet<string> = new Set([
  '2YotnFZFEjr1zCsicMWpAA',
  'tGzv3JOkF0XG5Qx2TlKWIA',
  'czZCaGRSa3F0MzpnWDFmQmF0M2JW',
  'mF_9.B5f-4.1JqM',
])
