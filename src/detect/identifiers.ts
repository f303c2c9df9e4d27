import { digitsOf, isDate, luhn, mod11and10, remainder, same, sum, two, verhoeff, weighted } from './arithmetic.ts'

/** National identifiers: form is the pattern's business, here only what the digits must fulfil. */
export const identifiers = {
  'us-ssn': (text) => {
    const [area, group, serial] = [text.slice(0, 3), text.replace(/\D/g, '').slice(3, 5), text.slice(-4)]
    return area !== '000' && area !== '666' && area < '900' && group !== '00' && serial !== '0000'
  },
  'us-npi': (text) => luhn(`80840${text.replace(/\D/g, '')}`),
  aba: (text) => sum(text, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0 && !same(digitsOf(text)),
  'ca-sin': (text) => luhn(text) && text[0] !== '0' && text[0] !== '8',
  'uk-nhs': (text) =>
    11 - (sum(text, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 || 11) === digitsOf(text)[9] && !same(digitsOf(text)),
  'de-tax-id': (text) => mod11and10(text) && repeatsOnce(digitsOf(text).slice(0, 10)),
  'de-id-card': (text) => serialCheck(text),
  'fr-nir': (text) => {
    const bare = text.replace(/[\s.-]/g, '')
    const number = bare.slice(0, -2).replace(/2A/i, '19').replace(/2B/i, '18')
    return Number(bare.slice(-2)) === 97 - remainder(number, 97)
  },
  'es-nif': (text) => {
    const bare = text.replace(/[\s.-]/g, '').toUpperCase()
    const number = Number(bare.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2'))
    return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === bare.slice(-1)
  },
  'it-fiscal-code': (text) => fiscalCode(text.replace(/\s/g, '').toUpperCase()),
  'nl-bsn': (text) => sum(text, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && !same(digitsOf(text)),
  'pl-pesel': (text) => {
    const d = digitsOf(text)
    const month = two(d, 2) % 20
    return isDate(two(d, 0), month, two(d, 4)) && weighted(d, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0
  },
  'pt-nif': (text) => {
    const rest = sum(text, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return digitsOf(text)[8] === (rest < 2 ? 0 : 11 - rest)
  },
  'se-personnummer': (text) => {
    const d = digitsOf(text).slice(-10)
    return luhn(d.join('')) && isDate(two(d, 0), two(d, 2), two(d, 4) > 60 ? two(d, 4) - 60 : two(d, 4))
  },
  'fi-hetu': (text) => {
    const d = digitsOf(text.slice(0, -1))
    return (
      isDate(two(d, 4), two(d, 2), two(d, 0)) &&
      '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(d.join('')) % 31] === text.slice(-1).toUpperCase()
    )
  },
  'in-aadhaar': (text) => verhoeff(text) && !same(digitsOf(text)) && !palindrome(digitsOf(text)),
  'au-tfn': (text) =>
    sum(text, digitsOf(text).length === 8 ? [10, 7, 8, 4, 6, 3, 5, 1] : [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
  'au-medicare': (text) => sum(text, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digitsOf(text)[8],
  'nz-ird': (text) => irdCheck(digitsOf(text)),
  'sg-nric': (text) => nric(text.toUpperCase()),
  'kr-rrn': (text) => {
    const d = digitsOf(text)
    return (
      isDate(two(d, 0), two(d, 2), two(d, 4)) &&
      (11 - (weighted(d, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === d[12]
    )
  },
  'br-cpf': (text) => !same(digitsOf(text)) && elevens(digitsOf(text), 9, 10) && elevens(digitsOf(text), 10, 11),
  'cn-resident-id': (text) => {
    const d = digitsOf(text.slice(0, 17))
    const date = isDate(two(d, 6) * 100 + two(d, 8), two(d, 10), two(d, 12))
    const check = weighted(d, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11
    return date && '10X98765432'[check] === text.slice(-1).toUpperCase()
  },
  'za-id': (text) => {
    const d = digitsOf(text)
    return luhn(text) && isDate(two(d, 0), two(d, 2), two(d, 4)) && (d[10] as number) < 3
  },
  'jp-my-number': (text) => {
    const rest = sum(text, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
    return digitsOf(text)[11] === (rest < 2 ? 0 : 11 - rest)
  },
  'be-nn': (text) => {
    const d = digitsOf(text).join('')
    const check = 97 - Number(d.slice(9))
    return Number(d.slice(0, 9)) % 97 === check || Number(`2${d.slice(0, 9)}`) % 97 === check
  },
  'dk-cpr': (text) => isDate(two(digitsOf(text), 4), two(digitsOf(text), 2), two(digitsOf(text), 0)),
  'no-fnr': (text) => {
    const d = digitsOf(text)
    return (
      weighted(d, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 === 0 &&
      weighted(d, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0 &&
      !same(d)
    )
  },
  'tr-id': (text) => {
    const d = digitsOf(text)
    const odd = weighted(d, [1, 0, 1, 0, 1, 0, 1, 0, 1])
    const even = weighted(d, [0, 1, 0, 1, 0, 1, 0, 1])
    return (((odd * 7 - even) % 10) + 10) % 10 === d[9] && (odd + even + (d[9] as number)) % 10 === d[10]
  },
  'ch-ahv': (text) => sum(text, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0,
  'il-id': (text) => luhn(text) && !same(digitsOf(text)),
  'th-id': (text) => (11 - (sum(text, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === digitsOf(text)[12],
  'hr-oib': (text) => mod11and10(text),
  'ie-pps': (text) => {
    const extra = text[8] === undefined || text[8] === 'W' ? 0 : (text.charCodeAt(8) & 31) * 9
    return 'WABCDEFGHIJKLMNOPQRSTUV'[(sum(text, [8, 7, 6, 5, 4, 3, 2]) + extra) % 23] === text[7]
  },
  'kr-date': (text) => isDate(two(digitsOf(text), 0), two(digitsOf(text), 2), two(digitsOf(text), 4)),
  'mx-clabe': (text) => {
    const d = digitsOf(text)
    const total = d.slice(0, 17).reduce((all, digit, i) => all + ((digit * ([3, 7, 1][i % 3] as number)) % 10), 0)
    return (10 - (total % 10)) % 10 === d[17]
  },
  'tw-id': (text) => {
    const first = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(text.charAt(0)) + 10
    return (Math.floor(first / 10) + (first % 10) * 9 + sum(text, [8, 7, 6, 5, 4, 3, 2, 1, 1])) % 10 === 0
  },
  'hk-id': (text) => {
    const bare = text.replace(/[()]/g, '')
    const padded = bare.length === 8 ? ` ${bare}` : bare
    let total = padded.startsWith(' ') ? 324 : (padded.charCodeAt(0) - 55) * 9
    total += (padded.charCodeAt(1) - 55) * 8
    for (let i = 2; i < 8; i++) total += Number(padded[i]) * (9 - i)
    return (11 - (total % 11)) % 11 === Number.parseInt(padded.charAt(8), 16)
  },
  'cl-rut': (text) => {
    const bare = text.replace(/[.-]/g, '').toUpperCase()
    const total = digitsOf(bare.slice(0, -1))
      .toReversed()
      .reduce((all, digit, i) => all + digit * ((i % 6) + 2), 0)
    return '0123456789K0'[11 - (total % 11)] === bare.slice(-1)
  },
} as const satisfies Record<string, (text: string) => boolean>

/** Of the first ten digits at most one stands two or three times (rules of 2007 and 2016; samples repeat none). */
function repeatsOnce(digits: readonly number[]): boolean {
  const counts = new Map<number, number>()
  for (const digit of digits) counts.set(digit, (counts.get(digit) ?? 0) + 1)
  const repeated = [...counts.values()].filter((count) => count > 1)
  return digits[0] !== 0 && repeated.length < 2 && (repeated[0] ?? 0) <= 3
}

function palindrome(digits: readonly number[]): boolean {
  return digits.every((digit, index) => digit === digits[digits.length - 1 - index])
}

/** Weights 7, 3, 1 over letters and digits, check digit last (ICAO 9303). */
function serialCheck(text: string): boolean {
  let total = 0
  for (let i = 0; i < text.length - 1; i++) total += Number.parseInt(text.charAt(i), 36) * ([7, 3, 1][i % 3] as number)
  return total % 10 === Number(text.slice(-1))
}

function fiscalCode(code: string): boolean {
  const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
  let total = 0
  for (let i = 0; i < 15; i++) {
    const char = Number.parseInt(code.charAt(i), 36)
    const value = char > 9 ? char - 10 : char
    total += i % 2 === 0 ? (odd[value] as number) : value
  }
  return total % 26 === code.charCodeAt(15) - 65
}

function nric(text: string): boolean {
  const first = text.charAt(0)
  const offset = first === 'T' || first === 'G' ? 4 : first === 'M' ? 3 : 0
  const rest = (sum(text, [2, 7, 6, 5, 4, 3, 2]) + offset) % 11
  const letters =
    { S: 'JZIHGFEDCBA', T: 'JZIHGFEDCBA', F: 'XWUTRQPNMLK', G: 'XWUTRQPNMLK', M: 'KLJNPQRTUWX' }[first] ?? ''
  return (first === 'M' ? letters[10 - rest] : letters[rest]) === text.slice(-1)
}

function irdCheck(given: readonly number[]): boolean {
  const digits = given.length === 8 ? [0, ...given] : given
  const check = (weights: readonly number[]): number => (11 - (weighted(digits, weights) % 11)) % 11
  const first = check([3, 2, 7, 6, 5, 4, 3, 2])
  return (first === 10 ? check([7, 4, 3, 2, 5, 2, 7, 6]) : first) === digits[8]
}

/** The check digit at `at` over all before it, with weights falling from `top` to 2. */
function elevens(digits: readonly number[], at: number, top: number): boolean {
  const weights = Array.from({ length: at }, (_, index) => top - index)
  return ((weighted(digits, weights) * 10) % 11) % 10 === digits[at]
}
