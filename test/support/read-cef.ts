import { isIPv4 } from 'node:net'

export type CefEvent = {
  readonly header: {
    readonly vendor: string
    readonly product: string
    readonly version: string
    readonly signature: string
    readonly name: string
    readonly severity: number
  }
  readonly extension: ReadonlyMap<string, string>
}

/**
 * Reads one line of CEF version 0 as the implementation standard has it, and throws where it does not fit: escapes other than those of
 * the place, characters that end a line somewhere, keys twice or empty, values of the wrong type or longer than the dictionary allows.
 */
export function readCef(line: string): CefEvent {
  refuseUnsafe(line)
  if (!line.startsWith('CEF:0|')) throw new Error('not CEF version 0')
  const fields: string[] = []
  let [field, at] = ['', 'CEF:0|'.length]
  while (fields.length < 6) {
    const character = line[at]
    if (character === undefined) throw new Error('the header ends early')
    if (character === '\\') {
      const next = line[at + 1]
      if (next !== '\\' && next !== '|') throw new Error(`\\${next} in the header`)
      field += next
      at += 2
      continue
    }
    at += 1
    if (character !== '|') field += character
    else fields.push(field)
    if (character === '|') field = ''
  }
  const [vendor, product, version, signature, name, severity] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  if ([vendor, product, version, signature, name].includes('')) throw new Error('an empty field in the header')
  if (!/^(?:\d|10)$/.test(severity)) throw new Error(`severity ${severity}`)
  const extension = readExtension(line.slice(at))
  return { header: { vendor, product, version, signature, name, severity: Number(severity) }, extension }
}

function readExtension(text: string): Map<string, string> {
  const pairs = new Map<string, string>()
  // A key begins after a space, and its `=` is the next one that is not escaped.
  const starts = [...text.matchAll(/(?:^| )([A-Za-z][A-Za-z0-9]*)=/g)].filter(({ index }) => !escaped(text, index))
  if (starts[0]?.index !== 0) throw new Error('the extension does not begin with a key')
  for (const [i, start] of starts.entries()) {
    const key = start[1] as string
    const from = start.index + start[0].length
    const raw = text.slice(from, starts[i + 1]?.index ?? text.length)
    if (pairs.has(key)) throw new Error(`${key} is there twice`)
    const value = unescape(raw)
    checkType(key, value)
    pairs.set(key, value)
  }
  for (const key of pairs.keys())
    if (/^(?:c6a|cfp|cn|cs|flexString)\d$/.test(key) && !pairs.has(`${key}Label`))
      throw new Error(`${key} without a label`)
  return pairs
}

function escaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text[index - 1 - backslashes] === '\\') backslashes += 1
  return backslashes % 2 === 1
}

function unescape(raw: string): string {
  if (raw === '' || raw !== raw.trim()) throw new Error('an empty value, or spaces around it')
  let value = ''
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] === '=') throw new Error('= that is not escaped')
    if (raw[i] !== '\\') {
      value += raw[i]
      continue
    }
    i += 1
    const meant = { '\\': '\\', '=': '=', n: '\n', r: '\r' }[raw[i] as string]
    if (meant === undefined) throw new Error(`\\${raw[i]} in a value`)
    value += meant
  }
  return value
}

function checkType(key: string, value: string): void {
  const type = dictionary[key] ?? (/^Sallyport[A-Z]/.test(key) ? 1023 : undefined)
  if (type === undefined) throw new Error(`${key} is not in the dictionary`)
  const fits =
    typeof type === 'number'
      ? value.length <= type
      : {
          ipv4: isIPv4(value),
          ipv6: value.includes(':') && !isIPv4(value),
          port: /^\d+$/.test(value) && Number(value) < 65_536,
          integer: /^-?\d+$/.test(value) && Math.abs(Number(value)) < 2 ** 31,
          long: /^-?\d+$/.test(value),
          float: /^-?\d+(?:\.\d+)?$/.test(value),
        }[type]
  if (!fits) throw new Error(`${key}=${value} does not fit its type`)
}

export function refuseUnsafe(line: string): void {
  // oxlint-disable-next-line no-control-regex
  const unsafe = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\ufeff]/.exec(line)
  if (unsafe !== null) throw new Error(`U+${line.charCodeAt(unsafe.index).toString(16)} in a line`)
  if (!line.isWellFormed()) throw new Error('half a character in a line')
}

// Lengths and types of the extension dictionary.
const dictionary: Readonly<Record<string, number | 'ipv4' | 'ipv6' | 'port' | 'integer' | 'long' | 'float'>> = {
  act: 63,
  app: 31,
  cat: 1023,
  dhost: 1023,
  dpt: 'port',
  dst: 'ipv4',
  dvchost: 100,
  externalId: 40,
  in: 'integer',
  msg: 1023,
  out: 'integer',
  outcome: 63,
  proto: 31,
  reason: 1023,
  request: 1023,
  requestMethod: 1023,
  rt: 'long',
  shost: 1023,
  sproc: 1023,
  src: 'ipv4',
  suser: 1023,
  ...Object.fromEntries(
    [2, 3].flatMap((n) => [
      [`c6a${n}`, 'ipv6'],
      [`c6a${n}Label`, 1023],
    ]),
  ),
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6].flatMap((n) => [
      [`cs${n}`, 4000],
      [`cs${n}Label`, 1023],
    ]),
  ),
  ...Object.fromEntries(
    [1, 2, 3].flatMap((n) => [
      [`cn${n}`, 'long'],
      [`cn${n}Label`, 1023],
    ]),
  ),
  ...Object.fromEntries(
    [1, 2, 3, 4].flatMap((n) => [
      [`cfp${n}`, 'float'],
      [`cfp${n}Label`, 1023],
    ]),
  ),
  ...Object.fromEntries(
    [1, 2].flatMap((n) => [
      [`flexString${n}`, 1023],
      [`flexString${n}Label`, 1023],
    ]),
  ),
}
