import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { payments } from '../../src/detect/payments.ts'

test('a card is one of its issuer, in length and check digit', () => {
  for (const digits of ['4', '51', '2221', '34', '6011', '3528']) {
    const length = digits === '34' ? 15 : 16
    fc.assert(
      fc.property(fc.stringMatching(/^\d{16}$/), (noise) => {
        const body = (digits + noise).slice(0, length - 1)
        const number = body + checkDigit(body)
        const wrong = body + ((checkDigit(body) + 3) % 10)
        return isCard(number) && !isCard(wrong) && !isCard(number.slice(1))
      }),
      { numRuns: 50 },
    )
  }
})

test('a number of rare length is a card behind a word for cards, in groups, or alone', () => {
  const number = `62123456789012345${checkDigit('62123456789012345')}`
  assert.equal(isCard(number, 'build ', ' of'), false)
  assert.equal(isCard(number, 'card ', ' of'), true)
  assert.equal(isCard(number), true)
})

test('an account number has the length of its country and its check digits', () => {
  const digits = fc
    .integer({ min: 0, max: 9_999_999_999 })
    .map((number) => `37040044${String(number).padStart(10, '0')}`)
  fc.assert(
    fc.property(digits, (account) => {
      const check = String(98n - (BigInt(`${account}131400`) % 97n)).padStart(2, '0')
      const other = String((Number(check) + 1) % 100).padStart(2, '0')
      return isIban(`DE${check}${account}`) && !isIban(`DE${other}${account}`) && !isIban(`DE${check}${account}0`)
    }),
  )
  assert.equal(isIban('GB82WEST12345698765432'), true)
  assert.equal(isIban('gb82west12345698765432'), true)
  assert.equal(isIban('GB82wEST12345698765432'), false)
})

function isCard(number: string, before = '', after = ''): boolean {
  return payments.card(number, {
    text: before + number + after,
    start: before.length,
    end: before.length + number.length,
  })
}

function isIban(number: string): boolean {
  return payments.iban(number)
}

/** Luhn by its definition, from the right, every other digit doubled. */
function checkDigit(body: string): number {
  const sum = [...body].toReversed().reduce((all, char, i) => {
    const doubled = Number(char) * (i % 2 === 0 ? 2 : 1)
    return all + Math.floor(doubled / 10) + (doubled % 10)
  }, 0)
  return (10 - (sum % 10)) % 10
}
