/** The arithmetic behind check digits. All take text and look at its digits only. */

export function digitsOf(text: string): number[] {
  const digits: number[] = []
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit >= 0 && digit <= 9) digits.push(digit)
  }
  return digits
}

/** ISO/IEC 7812-1, annex B. */
export function luhn(text: string): boolean {
  const digits = digitsOf(text)
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits[digits.length - 1 - i] as number
    const weighted = i % 2 === 1 ? digit * 2 : digit
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return digits.length > 1 && sum % 10 === 0
}

/** The dihedral group check of J. Verhoeff, check digit last. */
export function verhoeff(text: string): boolean {
  const digits = digitsOf(text)
  let check = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits[digits.length - 1 - i] as number
    const permuted = permutation[i % 8]?.[digit] as number
    check = multiplication[check]?.[permuted] as number
  }
  return check === 0
}

/** Sum of digit × weight, weights from the first digit on. */
export function weighted(digits: readonly number[], weights: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += (digits[i] as number) * (weights[i] as number)
  return sum
}

/** The same for the digits of a text. */
export function sum(text: string, weights: readonly number[]): number {
  return weighted(digitsOf(text), weights)
}

/** The two-digit number at `at`. */
export function two(digits: readonly number[], at: number): number {
  return (digits[at] as number) * 10 + (digits[at + 1] as number)
}

/** The remainder of a decimal number of any length; letters count as 10 to 35 (ISO 7064). */
export function remainder(text: string, modulus: number): number {
  let rest = 0
  for (const char of text) {
    const value = Number.parseInt(char, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % modulus
  }
  return rest
}

/** ISO 7064 MOD 11,10: the hybrid system of German and Croatian numbers. */
export function mod11and10(text: string): boolean {
  const digits = digitsOf(text)
  let product = 10
  for (let i = 0; i < digits.length - 1; i++) {
    const sum = (product + (digits[i] as number)) % 10 || 10
    product = (sum * 2) % 11
  }
  return ((11 - product) % 10) % 10 === digits[digits.length - 1]
}

/** A day of the calendar; two-digit years pass with any month of the right length. */
export function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0 || year < 100)
  return day <= (month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31)
}

export function same(digits: readonly number[]): boolean {
  return digits.every((digit) => digit === digits[0])
}

const multiplication = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
  [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
  [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
  [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
  [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
  [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
  [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
  [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
  [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]

const permutation = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
  [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
  [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
  [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
  [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
  [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
  [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
]
