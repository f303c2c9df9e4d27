import { digitsOf, isDate, luhn, remainder, same, sum, two, verhoeff, weighted } from './arithmetic.ts'

/** Identifiers of persons, taxpayers and accounts outside Europe: form is the pattern's business, here only what the digits must fulfil. */
export const worldwide = {
  'us-dea': (text) => {
    const d = digitsOf(text)
    return weighted(d, [1, 2, 1, 2, 1, 2]) % 10 === d[6]
  },
  'ca-phn': (text) =>
    11 - (sum(text.replace(/\D/g, '').slice(1), [2, 4, 8, 5, 10, 9, 7, 3]) % 11) === digitsOf(text)[9],
  'ar-cuit': (text) => {
    const rest = (11 - (sum(text, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11
    return (rest === 10 ? 9 : rest) === digitsOf(text)[10]
  },
  'ar-cbu': (text) => {
    const d = digitsOf(text)
    const first = (10 - (weighted(d, [7, 1, 3, 9, 7, 1, 3]) % 10)) % 10
    const second = (10 - (weighted(d.slice(8), [3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3]) % 10)) % 10
    return first === d[7] && second === d[21]
  },
  'br-cnpj': (text) => {
    const bare = text.replace(/[\s./-]/g, '').toUpperCase()
    const values = Array.from(bare, (char) => char.charCodeAt(0) - 48)
    const check = (weights: readonly number[]): number => {
      const rest = weighted(values, weights) % 11
      return rest < 2 ? 0 : 11 - rest
    }
    const weights = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]
    return !same(values) && check(weights) === values[12] && check([6, ...weights]) === values[13]
  },
  'co-nit': (text) => {
    const d = digitsOf(text)
    const weights = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71]
    const total = d
      .slice(0, -1)
      .toReversed()
      .reduce((all, digit, i) => all + digit * (weights[i] as number), 0)
    return '01987654321'[total % 11] === String(d.at(-1))
  },
  'do-rnc': (text) => {
    const rest = sum(text, [7, 9, 8, 6, 5, 4, 3, 2]) % 11
    return (rest === 0 ? 2 : rest === 1 ? 1 : 11 - rest) === digitsOf(text)[8]
  },
  'ec-ci': (text) => {
    const d = digitsOf(text)
    return (
      two(d, 0) > 0 && (two(d, 0) < 25 || two(d, 0) === 30) && (d[2] as number) < 6 && luhn(d.slice(0, 10).join(''))
    )
  },
  'pe-ruc': (text) => (11 - (sum(text, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === digitsOf(text)[10],
  'pe-cui': (text) => {
    const rest = sum(text, [3, 2, 7, 6, 5, 4, 3, 2]) % 11
    const check = text.slice(-1).toUpperCase()
    return '65432110987'[rest] === check || 'KJIHGFEDCBA'[rest] === check
  },
  'py-ruc': (text) => {
    const d = digitsOf(text)
    const total = d
      .slice(0, -1)
      .toReversed()
      .reduce((all, digit, i) => all + digit * (i + 2), 0)
    return ((11 - (total % 11)) % 11) % 10 === d.at(-1)
  },
  'uy-rut': (text) => (11 - (sum(text, [4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === digitsOf(text)[11],
  've-rif': (text) => {
    const kind = { V: 4, E: 8, J: 12, P: 16, G: 20 }[text.charAt(0).toUpperCase()] ?? Number.NaN
    return '00987654321'[(kind + sum(text, [3, 2, 7, 6, 5, 4, 3, 2])) % 11] === String(digitsOf(text)[8])
  },
  'gt-nit': (text) => {
    const bare = text.replace(/\W/g, '').toUpperCase()
    const total = digitsOf(bare.slice(0, -1))
      .toReversed()
      .reduce((all, digit, i) => all + digit * (i + 2), 0)
    return '0123456789K'[(11 - (total % 11)) % 11] === bare.slice(-1)
  },
  'cu-ni': (text) => isDate(two(digitsOf(text), 0), two(digitsOf(text), 2), two(digitsOf(text), 4)),
  'id-nik': (text) => {
    const d = digitsOf(text)
    const day = two(d, 6) > 40 ? two(d, 6) - 40 : two(d, 6)
    return two(d, 0) > 10 && isDate(two(d, 10), two(d, 8), day)
  },
  'id-npwp': (text) => luhn(text.replace(/\D/g, '').slice(-15).slice(0, 9)) && !same(digitsOf(text)),
  'in-gstin': (text) => {
    const values = Array.from(text.toUpperCase(), (char) => Number.parseInt(char, 36))
    const total = values.slice(0, 14).reduce((all, value, i) => {
      const product = value * ((i % 2) + 1)
      return all + Math.floor(product / 36) + (product % 36)
    }, 0)
    return (36 - (total % 36)) % 36 === values[14]
  },
  'jp-cn': (text) =>
    9 - (sum(text.replace(/\D/g, '').slice(1), [2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]) % 9) === digitsOf(text)[0],
  'kr-brn': (text) => {
    const d = digitsOf(text)
    const total = weighted(d, [1, 3, 7, 1, 3, 7, 1, 3, 5]) + Math.floor(((d[8] as number) * 5) / 10)
    return (10 - (total % 10)) % 10 === d[9]
  },
  'my-nric': (text) => isDate(two(digitsOf(text), 0), two(digitsOf(text), 2), two(digitsOf(text), 4)),
  'lk-nic': (text) => {
    const d = digitsOf(text)
    const day = d.length === 12 ? two(d, 4) * 10 + (d[6] as number) : two(d, 2) * 10 + (d[4] as number)
    return day % 500 > 0 && day % 500 <= 366
  },
  'vn-mst': (text) => 10 - (sum(text, [31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11) === digitsOf(text)[9],
  'cn-uscc': (text) => {
    const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
    const values = Array.from(text.toUpperCase(), (char) => alphabet.indexOf(char))
    const weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    return (31 - (weighted(values, weights) % 31)) % 31 === values[17] && /\d{6}/.test(text)
  },
  'eg-id': (text) => {
    const d = digitsOf(text)
    return isDate(two(d, 1), two(d, 3), two(d, 5)) && two(d, 7) < 36 && two(d, 7) > 0
  },
  'ae-id': (text) => luhn(text) && digitsOf(text)[3] !== 0,
  'kz-iin': (text) => {
    const d = digitsOf(text)
    const first = weighted(d, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11
    const check = first < 10 ? first : weighted(d, [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11
    return isDate(two(d, 0), two(d, 2), two(d, 4)) && check === d[11]
  },
  'ir-melli': (text) => {
    const d = digitsOf(text)
    const rest = weighted(d, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return !same(d) && (rest < 2 ? rest : 11 - rest) === d[9]
  },
  'au-abn': (text) => {
    const d = digitsOf(text)
    return (weighted(d, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0
  },
  'au-acn': (text) => (10 - (sum(text, [8, 7, 6, 5, 4, 3, 2, 1]) % 10)) % 10 === digitsOf(text)[8],
  'mu-nid': (text) => isDate(two(digitsOf(text), 4), two(digitsOf(text), 2), two(digitsOf(text), 0)),
  'sg-uen': (text) => /^(?:\d{8,9}[A-Za-z]|[TSRtsr]\d{2}[A-Za-z0-9]{2}\d{4}[A-Za-z])$/.test(text),
  'mx-curp': (text) => {
    const alphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'
    const values = Array.from(text.toUpperCase(), (char) => alphabet.indexOf(char))
    const total = values.slice(0, 17).reduce((all, value, i) => all + value * (18 - i), 0)
    const date = isDate(two(digitsOf(text), 0), two(digitsOf(text), 2), two(digitsOf(text), 4))
    return date && (10 - (total % 10)) % 10 === values[17]
  },
  lei: (text) => remainder(text.toUpperCase(), 97) === 1,
  vin,
  verhoeff: (text) => verhoeff(text) && !same(digitsOf(text)),
} as const satisfies Record<string, (text: string) => boolean>

/** ISO 3779 with the check digit of 49 CFR 565. European cars have none: there the form must do, and the rule asks for context. */
function vin(text: string): boolean {
  const bare = text.toUpperCase()
  return /^[A-HJ-NPR-Z0-9]{17}$/.test(bare) && /\d{2}/.test(bare.slice(-6)) && /[A-Z]/.test(bare)
}
