import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TextPart } from '../../src/core/text.ts'
import { generic, providers } from '../../src/providers/index.ts'
import { applyEdits } from '../../src/providers/json-text.ts'
import { samples } from '../providers/samples/index.ts'
import { aboutOf, target } from '../providers/samples/sample.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
type Planted = { readonly at: string; readonly body: Json; readonly canary: string }

/** Places that are no texts, and why. */
const noTexts: readonly (readonly [RegExp, string])[] = [
  [/logprobs|logprobsResult/, 'the tokens of the text once more'],
  [/#$/, 'numbers where counts and clocks stand'],
]
const counts =
  /(?:^|\.)(?:usage|usageMetadata|created|created_at|prompt_filter_results|content_filter_results|thinking|thinkingConfig|seed|total_duration)\b/

for (const [name, sample] of Object.entries(samples)) {
  const provider = providers.find((one) => one.operation(target(sample.path), 'POST') === sample.operation) ?? generic
  const about = aboutOf(sample.operation, sample.path)

  test(`${provider.name}, ${name}: a value at any place of a request or an answer is found there, and an edit changes it alone`, () => {
    for (const [side, source] of [
      ['request', sample.request],
      ['answer', sample.answer],
    ] as const) {
      if (!/^\s*[[{]/.test(source)) continue
      const places = planted(JSON.parse(source) as Json, '')
      assert.ok(places.length > 0)
      for (const { at, body, canary } of places) {
        if (noTexts.some(([place]) => place.test(at)) && (!at.endsWith('#') || counts.test(at))) continue
        const raw = JSON.stringify(body, null, 1)
        const read = side === 'request' ? provider.readRequest(raw, about) : provider.readAnswer(raw, about)
        const found = read.parts.filter((part) => part.text === canary)
        assert.equal(found.length, 1, `${side} ${at}`)
        editsAlone(raw, found[0] as TextPart)
      }
    }
  })
}

function editsAlone(raw: string, part: TextPart): void {
  if (part.sealed === true) return
  const { start, end, spelling } = part.place
  const edited = applyEdits(raw, [{ part, start: 0, end: part.text.length, replacement: 'Q"1' }])
  const spelled = JSON.stringify('Q"1')
  const inside = spelling.at(-1) === 'number' ? spelled : spelled.slice(1, -1)
  const twice = spelling[1] === 'json' || (spelling[0] === 'json' && spelling[1] === 'number')
  const expected = twice ? JSON.stringify(inside).slice(1, -1) : inside
  assert.equal(edited, raw.slice(0, start) + expected + raw.slice(end), part.path)
  assert.doesNotThrow(() => JSON.parse(edited))
}

/** The document once for each string, number and name in it, with a value of its own in that place; documents in strings too. */
function planted(value: Json, at: string): Planted[] {
  const text = `ann.${at.length}@corp.example`
  if (typeof value === 'string') {
    const inner = value.startsWith('{') ? planted(JSON.parse(value) as Json, `${at}<>`) : []
    return inner.length > 0
      ? inner.map((one) => ({ ...one, body: JSON.stringify(one.body) }))
      : [{ at, body: text, canary: text }]
  }
  if (typeof value === 'number') return [{ at: `${at}#`, body: 4111111111111111, canary: '4111111111111111' }]
  if (value === null || typeof value === 'boolean') return []
  if (isList(value))
    return value.flatMap((item, i) =>
      planted(item, `${at}[${i}]`).map((one) => ({ ...one, body: value.with(i, one.body) })),
    )
  const within = Object.entries(value).flatMap(([name, item]) =>
    planted(item, at === '' ? name : `${at}.${name}`).map((one) => ({ ...one, body: { ...value, [name]: one.body } })),
  )
  return [...within, { at: `${at}{}`, body: { ...value, [text]: 1 }, canary: text }]
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
