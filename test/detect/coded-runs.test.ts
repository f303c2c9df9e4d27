import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codedRuns, placeIn, runBefore } from '../../src/detect/coded-runs.ts'

const always = (): boolean => true
const line = 'QUJDREVGR0hJSktMTU5PUFFS'

test('a run has no line breaks and no padding', () => {
  const text = `see ${line}\n> ${line}\n> QUJD= there`
  const [run, ...more] = codedRuns(text, always)
  assert.deepEqual(more, [])
  assert.equal(run?.chars, `${line}${line}QUJD`)
  assert.equal(text.slice(run?.start, run?.end), `${line}\n> ${line}\n> QUJD=`)
})

test('every place of it is that of its character', () => {
  const text = `see ${line}\\n${line}\\nQUJD there`
  const [run] = codedRuns(text, always)
  assert.ok(run !== undefined)
  for (let i = 0; i < run.chars.length; i++) {
    assert.equal(text.charAt(placeIn(run, i)), run.chars.charAt(i))
    assert.equal(text.charAt(placeIn(run, i + 1, true) - 1), run.chars.charAt(i))
  }
})

test('words behind a run are not of it, and short runs are none', () => {
  const ends = Array.from(
    codedRuns(`${line}\nand then; ${line.slice(0, 19)}; ${line}\n${line}\n${line}${line}`, always),
    (run) => run?.chars,
  )
  assert.deepEqual(ends, [line, line + line, line + line])
})

test('what is not likely is left out', () => {
  assert.deepEqual(
    [...codedRuns(`${line} ${line}`, (_, start) => start > 0)].map((run) => run?.start),
    [25],
  )
})

test('the run before the end goes back over a line break only', () => {
  const text = `${line}\n  QUJD`
  const last = runBefore(text, text.length)
  assert.deepEqual([last?.chars, last?.start], ['QUJD', 27])
  assert.equal(runBefore(text, 27, true)?.chars, line)
  assert.equal(runBefore('a QUJD', 2, true), undefined)
  assert.equal(runBefore('a ', 2), undefined)
})

test('others have their turn in the midst of a long text', () => {
  const steps = [...codedRuns('to be or not to be '.repeat(10_000), always)]
  assert.ok(steps.length > 0 && steps.every((one) => one === undefined))
})

test('a run is found wherever it stands, and one that is too short is not', () => {
  for (let at = 32_690; at < 32_790; at++) {
    for (const length of [19, 20, 21]) {
      const text = `${' '.repeat(at)}${'a'.repeat(length)} ${'\u0161'.repeat(40)}`
      const runs = [...codedRuns(text, () => true)].map((run) => run && [run.start, run.end])
      assert.deepEqual(runs, length === 19 ? [] : [[at, at + length]])
    }
  }
})
