import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenNumbers, brokenNumberTail } from '../../src/detect/broken-numbers.ts'

const cases: [text: string, read: string | undefined][] = [
  ['card 4539 5787\n6362 1486.', 'card 4539 5787 6362 1486.'],
  ['card 4539-5787-\n  6362-1486', 'card 4539-5787-6362-1486'],
  ['card 45395787\r\n> 63621486', 'card 4539578763621486'],
  ['iban: DE89 3704 0044\n0532 0130 00', 'iban: DE89 3704 0044 0532 0130 00'],
  ['4539 5787\n6362 1486', undefined],
  ['card 4539 5787\nand 6362', undefined],
  ['the words\n4539', undefined],
]

for (const [text, read] of cases) {
  test(`${JSON.stringify(text)} ${read === undefined ? 'is no' : 'is a'} broken number`, () => {
    const forms = [...brokenNumbers(text)].filter((one) => one !== undefined)
    assert.deepEqual(
      forms.map((form) => form.text),
      read === undefined ? [] : [read],
    )
    for (const form of forms) assert.equal(form.endOf(form.text.length), text.length)
  })
}

test('others have their turn in the midst of a long text', () => {
  const steps = [...brokenNumbers('abc 1x\n2\n'.repeat(20_000))]
  assert.ok(steps.includes(undefined))
})

test('at the end of a text it may still come', () => {
  assert.equal(brokenNumberTail('card 4539 5787\n')?.text, 'card 4539 5787 ')
  assert.equal(brokenNumberTail('card 4539 5787\n  63')?.text, 'card 4539 5787 63')
  assert.equal(brokenNumberTail('card 4539 5787\nand'), undefined)
  assert.equal(brokenNumberTail('the words\n63'), undefined)
})
