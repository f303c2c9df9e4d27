import assert from 'node:assert/strict'
import { test } from 'node:test'
import { periodMs, timeFrom } from '../../src/access/period.ts'

const now = Date.UTC(2026, 0, 31, 12)

const times: [text: string, time: string | undefined][] = [
  ['90s', '2026-01-31T12:01:30.000Z'],
  ['45m', '2026-01-31T12:45:00.000Z'],
  ['12h', '2026-02-01T00:00:00.000Z'],
  ['30d', '2026-03-02T12:00:00.000Z'],
  ['2027-01-31', '2027-01-31T00:00:00.000Z'],
  ['2027-01-31T08:00', '2027-01-31T08:00:00.000Z'],
  ['2027-01-31T08:00:00Z', '2027-01-31T08:00:00.000Z'],
  ['2027-01-31T08:00:00.5+02:00', '2027-01-31T06:00:00.500Z'],
  ['2027-02-30', undefined],
  ['2027-13-01', undefined],
  ['tomorrow', undefined],
  ['30', undefined],
  ['-1d', undefined],
  ['30d ', undefined],
  ['', undefined],
  ['1000000d', undefined],
]

for (const [text, time] of times) {
  test(`${JSON.stringify(text)} from noon of 31 January 2026 is ${time ?? 'no time'}`, () => {
    assert.equal(timeFrom(text, now), time)
  })
}

test('a time beyond the year 9999 is none: times are compared as texts', () => {
  assert.equal(timeFrom('999999d', Date.UTC(9999, 0)), undefined)
})

test('a period is in milliseconds', () => {
  assert.equal(periodMs('24h'), 86_400_000)
  assert.equal(periodMs('0s'), 0)
  assert.equal(periodMs('24'), undefined)
})
