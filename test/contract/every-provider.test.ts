import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanJson } from '../../src/providers/json-scan.ts'
import { compatible, generic, providers } from '../../src/providers/index.ts'
import { applyEdits } from '../../src/providers/json-text.ts'
import type { About, Provider, StreamEvent } from '../../src/providers/provider.ts'
import { samples } from '../providers/samples/index.ts'
import { aboutOf, target } from '../providers/samples/sample.ts'
import type { Sample } from '../providers/samples/sample.ts'

// One provider for each dialect: the others share its code.
const cutEverywhere = new Set(['openai', 'anthropic', 'gemini', 'bedrock', 'cohere', 'ollama', 'generic'])

for (const provider of [...providers, ...compatible, generic]) {
  for (const [name, sample] of samplesOf(provider)) {
    const about = aboutOf(sample.operation, sample.path)

    test(`${provider.name}, ${name}: every text of a request and an answer is found, once, and nothing else is`, () => {
      for (const [body, { parts }] of bodiesOf(provider, sample, about)) {
        const found = parts.map((part) => part.text).filter((text) => text.startsWith('«'))
        assert.deepEqual(found, marked(body), name)
      }
    })

    test(`${provider.name}, ${name}: an edit of any text leaves every other byte`, () => {
      for (const [body, { parts }] of bodiesOf(provider, sample, about)) {
        assert.equal(applyEdits(body, []), body)
        for (const part of parts) {
          if (part.sealed === true) continue
          const edited = applyEdits(body, [{ part, start: 0, end: part.text.length, replacement: '<"x">\n' }])
          assert.ok(edited.startsWith(body.slice(0, part.place.start)))
          assert.ok(edited.endsWith(body.slice(part.place.end)))
          assert.deepEqual(swapped(JSON.parse(body), part.text), swapped(JSON.parse(edited), '<"x">\n'), part.path)
        }
      }
    })

    test(`${provider.name}, ${name}: a stream cut at any byte gives the same events, which are its bytes, and the same facts`, () => {
      const bytes = bytesOf(sample)
      const whole = readAll(provider, sample, [bytes])
      assert.deepEqual(whole.facts, sample.stream.facts)
      assert.deepEqual(Buffer.concat(whole.events.map((event) => event.bytes)), bytes)
      for (let cut = 1; cut < bytes.length; cut += cutEverywhere.has(provider.name) ? 1 : 37) {
        const cutOnce = readAll(provider, sample, [bytes.subarray(0, cut), bytes.subarray(cut)])
        assert.deepEqual(cutOnce, whole, `cut at ${cut}`)
      }
      assert.deepEqual(
        readAll(
          provider,
          sample,
          [...bytes].map((byte) => Uint8Array.of(byte)),
        ),
        whole,
      )
    })

    test(`${provider.name}, ${name}: every text of a stream stands where its place says`, () => {
      for (const event of readAll(provider, sample, [bytesOf(sample)]).events) {
        for (const part of event.parts) {
          if (part.sealed === true) continue
          assert.doesNotThrow(
            () => applyEdits(event.text, [{ part, start: 0, end: part.text.length, replacement: 'x' }]),
            part.path,
          )
        }
      }
    })

    test(`${provider.name}, ${name}: bodies that are not what they should be are read as what they are`, () => {
      const bodies = [
        '',
        '{',
        'plain «text»',
        '4111111111111111',
        '[]',
        '{"messages":7,"choices":{"a":1},"model":[1]}',
        'null',
        '[[[',
        '\u0000\u0001',
      ]
      for (const body of [...bodies, '{"a":'.repeat(600) + '"«deep»"' + '}'.repeat(600)]) {
        const { parts } = provider.readRequest(body, about)
        const answer = provider.readAnswer(body, about)
        if (scanJson(body) === undefined && /[a-z{[]/.test(body)) {
          assert.deepEqual(
            parts.map((part) => [part.text, part.place.spelling]),
            [[body, []]],
          )
          assert.deepEqual(
            answer.parts.map((part) => part.text),
            [body],
          )
        }
      }
      assert.equal(provider.readRequest('4111111111111111', about).parts.length, 1)
    })
  }

  test(`${provider.name}: refusals carry the message, and on a stream no mark of success`, () => {
    const refusal = { code: 'sallyport_blocked', status: 403, message: 'blocked by rule "r" (exchange 1)' }
    const answer = provider.refuse(refusal)
    assert.match(answer.contentType, /^application\/json/)
    assert.ok(JSON.stringify(JSON.parse(answer.body)).includes(JSON.stringify(refusal.message)))
    const event = String(provider.refuseEvent(refusal))
    assert.ok(event.includes(JSON.stringify(refusal.message)))
    assert.ok(event.endsWith('\n'))
    assert.doesNotMatch(event, /\[DONE\]|message_stop|response\.completed/)
  })
}

/** The samples whose path the provider knows as that operation; those of unknown traffic for all. */
function samplesOf(provider: Provider): [string, Sample][] {
  return Object.entries(samples).filter(([, sample]) => {
    if (sample.operation === 'unknown') return true
    return provider.operation(target(sample.path), 'POST') === sample.operation
  })
}

/** A binary stream has bytes instead of a text. */
function bytesOf({ stream }: Sample): Buffer {
  return Buffer.from(stream.bytes ?? Buffer.from(stream.text))
}

function bodiesOf(provider: Provider, sample: Sample, about: About) {
  const pretty = JSON.stringify(JSON.parse(sample.request), null, 2)
  return [
    [sample.request, provider.readRequest(sample.request, about)],
    [pretty, provider.readRequest(pretty, about)],
    [sample.answer, provider.readAnswer(sample.answer, about)],
  ] as const
}

/** The marked texts of a body, in its order: those in JSON inside JSON are decoded twice. */
function marked(body: string): string[] {
  return [...body.matchAll(/«(?:[^»])*»/g)].map(([raw]) => {
    const once = JSON.parse(`"${raw}"`) as string
    return raw.includes('\\\\') ? (JSON.parse(`"${once}"`) as string) : once
  })
}

/** All strings of a value, in order, those of documents in strings too; the first that is `text` is left out. */
function swapped(value: unknown, text: string): string[] {
  const all = stringsOf(value)
  const at = all.indexOf(text)
  assert.ok(at >= 0)
  return all.toSpliced(at, 1).sort()
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith('{') ? stringsOf(JSON.parse(value)) : [value]
  if (Array.isArray(value)) return value.flatMap(stringsOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsOf(inner)])
}

function readAll(provider: Provider, sample: Sample, chunks: readonly Uint8Array[]) {
  const reader = provider.reader({ ...aboutOf(sample.operation, sample.path), contentType: sample.stream.contentType })
  assert.ok(reader !== undefined)
  const events = chunks.flatMap((chunk) => reader.push(chunk)).concat(reader.end())
  return {
    events: events.map(({ frame: _frame, ...event }): StreamEvent => ({ ...event, bytes: Buffer.from(event.bytes) })),
    facts: reader.facts(),
  }
}
