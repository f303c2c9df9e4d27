import { digitsOf, isDate, luhn, mod11and10, same, sum, two, verhoeff, weighted } from './arithmetic.ts'

/** European identifiers of persons and taxpayers: form is the pattern's business, here only what the digits must fulfil. */
export const european = {
  'al-nipt': (text) => /^[A-Ma-m]\d{8}[A-Za-z]$/.test(text),
  'at-vnr': (text) => sum(text, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === digitsOf(text)[3],
  'at-tin': luhn,
  'bg-egn': (text) => {
    const d = digitsOf(text)
    const month = two(d, 2) % 20
    return isDate(two(d, 0), month, two(d, 4)) && (weighted(d, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === d[9]
  },
  'bg-pnf': (text) => sum(text, [21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 === digitsOf(text)[9],
  'by-unp': (text) => digitsOf(text).length < 9 || sum(text, [29, 23, 19, 17, 13, 7, 5, 3]) % 11 === digitsOf(text)[8],
  'ch-uid': (text) => (11 - (sum(text, [5, 4, 3, 2, 7, 6, 5, 4]) % 11)) % 11 === digitsOf(text)[8],
  'cy-tin': (text) => {
    const d = digitsOf(text)
    const even = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
    const total = d.reduce((all, digit, i) => all + (i % 2 === 0 ? (even[digit] as number) : digit), 0)
    return String.fromCharCode(65 + (total % 26)) === text.slice(-1).toUpperCase()
  },
  'cz-rc': birthNumber,
  'de-kvnr': (text) => letterDoubled(text, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]),
  'de-rvnr': (text) => letterDoubled(text, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]),
  'dk-cvr': (text) => sum(text, [2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0,
  'baltic-id': (text) => {
    const d = digitsOf(text)
    const first = weighted(d, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11
    const check = first < 10 ? first : (weighted(d, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11) % 10
    return d[0] !== 0 && isDate(two(d, 1), two(d, 3), two(d, 5)) && check === d[10]
  },
  'lv-pk': (text) => {
    const d = digitsOf(text)
    if (d[0] === 3 && d[1] === 2) return true
    const check = ((1 + weighted(d, [10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11) % 10
    return isDate(two(d, 4), two(d, 2), two(d, 0)) && check === d[10]
  },
  'es-cif': spanishCompany,
  'es-ccc': (text) => {
    const d = digitsOf(text)
    const check = (digits: readonly number[]): number =>
      ((11 - (weighted(digits, [1, 2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11)) % 11) % 10
    return check([0, 0, ...d.slice(0, 8)]) === (d[8] as number) && check(d.slice(10)) === (d[9] as number)
  },
  'fi-ytunnus': (text) => sum(text, [7, 9, 10, 5, 8, 4, 2, 1]) % 11 === 0,
  'fr-nif': (text) => {
    const d = digitsOf(text).join('')
    return Number(d.slice(0, 10)) % 511 === Number(d.slice(10))
  },
  'uk-utr': (text) =>
    '21987654321'[sum(text.replace(/\D/g, '').slice(1), [6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11] ===
    text.replace(/\D/g, '')[0],
  'gr-amka': (text) => {
    const d = digitsOf(text)
    return luhn(text) && isDate(two(d, 4), two(d, 2), two(d, 0))
  },
  'gr-afm': (text) =>
    (sum(text, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === digitsOf(text)[8] && !same(digitsOf(text)),
  'hu-tax': (text) => {
    const d = digitsOf(text)
    if (d.length === 10) return d[0] === 8 && weighted(d, [1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 === d[9]
    return (10 - (weighted(d, [9, 7, 3, 1, 9, 7, 3]) % 10)) % 10 === d[7]
  },
  'hu-taj': (text) => sum(text, [3, 7, 3, 7, 3, 7, 3, 7]) % 10 === digitsOf(text)[8],
  'is-kennitala': (text) => {
    const d = digitsOf(text)
    const day = two(d, 0) > 40 ? two(d, 0) - 40 : two(d, 0)
    return weighted(d, [3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0 && isDate(two(d, 4), two(d, 2), day)
  },
  'lu-tin': (text) => {
    const d = digitsOf(text)
    const date = isDate(two(d, 0) * 100 + two(d, 2), two(d, 4), two(d, 6))
    return date && luhn(d.slice(0, 12).join('')) && verhoeff([...d.slice(0, 11), d[12]].join(''))
  },
  'md-idno': (text) => sum(text, [7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1]) % 10 === digitsOf(text)[12],
  'me-pib': (text) => ((11 - (sum(text, [8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === digitsOf(text)[7],
  'mk-edb': (text) => ((11 - (sum(text, [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === digitsOf(text)[12],
  jmbg: (text) => {
    const d = digitsOf(text)
    const check = ((11 - (weighted(d, [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10
    return isDate(two(d, 5), two(d, 2), two(d, 0)) && check === d[12]
  },
  'nl-onderwijs': (text) => text.startsWith('10') && sum(text, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 5,
  'no-konto': (text) => sum(text, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0 && !same(digitsOf(text)),
  'no-org': (text) => sum(text, [3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0 && !same(digitsOf(text)),
  'pl-nip': (text) => sum(text, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 === digitsOf(text)[9] && !same(digitsOf(text)),
  'pl-regon': (text) => {
    const d = digitsOf(text)
    const short = (weighted(d, [8, 9, 2, 3, 4, 5, 6, 7]) % 11) % 10 === d[8]
    return d.length === 9 ? short : (weighted(d, [2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 11) % 10 === d[13]
  },
  'pl-id-card': (text) => {
    const values = [...text.replace(/\W/g, '')].map((char) => Number.parseInt(char, 36))
    return weighted(values, [7, 3, 1, 9, 7, 3, 1, 7, 3]) % 10 === 0
  },
  'pt-cc': (text) => alphanumericLuhn(text.replace(/\W/g, '')),
  'ro-cnp': (text) => {
    const d = digitsOf(text)
    const rest = weighted(d, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
    return isDate(two(d, 1), two(d, 3), two(d, 5)) && (rest === 10 ? 1 : rest) === d[12]
  },
  'ro-cui': (text) => {
    const d = digitsOf(text)
    const body = [...Array<number>(9).fill(0), ...d.slice(0, -1)].slice(-9)
    return ((weighted(body, [7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10) % 11) % 10 === d.at(-1)
  },
  'ru-inn': (text) => {
    const d = digitsOf(text)
    const long = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]
    if (d.length === 10) return (weighted(d, long.slice(2)) % 11) % 10 === d[9]
    return (weighted(d, long.slice(1)) % 11) % 10 === d[10] && (weighted(d, long) % 11) % 10 === d[11]
  },
  'ru-snils': (text) => (sum(text, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101) % 100 === two(digitsOf(text), 9),
  'ru-ogrn': (text) => {
    const d = text.replace(/\D/g, '')
    return Number(BigInt(d.slice(0, -1) || '0') % BigInt(d.length - 2 || 1)) % 10 === Number(d.slice(-1))
  },
  'se-org': (text) => luhn(text) && (digitsOf(text)[2] ?? 0) >= 2,
  'si-ddv': (text) => ((11 - (sum(text, [8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === digitsOf(text)[7],
  'tr-vkn': (text) => {
    const d = digitsOf(text)
    const total = d.slice(0, 9).reduce((all, digit, i) => {
      const shifted = (digit + 9 - i) % 10
      const power = (shifted * 2 ** (9 - i)) % 9
      return all + (shifted > 0 && power === 0 ? 9 : power)
    }, 0)
    return (10 - (total % 10)) % 10 === d[9]
  },
  'ua-rntrc': (text) => {
    const rest = sum(text, [-1, 5, 7, 9, 4, 6, 10, 5, 7]) % 11
    return ((rest + 11) % 11) % 10 === digitsOf(text)[9]
  },
  'rs-pib': mod11and10,
} as const satisfies Record<string, (text: string) => boolean>

/** Czech and Slovak: nine digits before 1954, ten and a multiple of eleven since; women have 50 added to the month, full series 20. */
function birthNumber(text: string): boolean {
  const d = digitsOf(text)
  const month = (two(d, 2) % 50) % 20
  if (!isDate(two(d, 0), month, two(d, 4))) return false
  if (d.length === 9) return true
  const number = Number(d.slice(0, 9).join(''))
  return (number % 11) % 10 === d[9]
}

/** A letter counts as the two digits of its place in the alphabet; cross sums of the products, check digit last. */
function letterDoubled(text: string, weights: readonly number[]): boolean {
  const bare = text.replace(/\W/g, '').toUpperCase()
  const spelled = bare.replace(/[A-Z]/, (letter) => String(letter.charCodeAt(0) - 64).padStart(2, '0'))
  const total = digitsOf(spelled)
    .slice(0, weights.length)
    .reduce((all, digit, i) => {
      const product = digit * (weights[i] as number)
      return all + Math.floor(product / 10) + (product % 10)
    }, 0)
  return total % 10 === Number(spelled.slice(-1))
}

/** NIF of legal persons: the check character is a digit, a letter, or either, by the kind of the company. */
function spanishCompany(text: string): boolean {
  const bare = text.replace(/[\s.-]/g, '').toUpperCase()
  const total = digitsOf(bare.slice(1, 8)).reduce((all, digit, i) => {
    const doubled = digit * 2
    return all + (i % 2 === 0 ? Math.floor(doubled / 10) + (doubled % 10) : digit)
  }, 0)
  const check = (10 - (total % 10)) % 10
  return bare.slice(-1) === String(check) || bare.slice(-1) === 'JABCDEFGHI'[check]
}

/** Luhn over digits and letters, the letters from 10 to 35. */
function alphanumericLuhn(text: string): boolean {
  let total = 0
  for (let i = 0; i < text.length; i++) {
    const value = Number.parseInt(text.charAt(text.length - 1 - i), 36)
    const doubled = i % 2 === 1 ? value * 2 : value
    total += doubled > 9 ? doubled - 9 : doubled
  }
  return total % 10 === 0
}
