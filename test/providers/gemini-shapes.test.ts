import assert from 'node:assert/strict'
import { test } from 'node:test'
import { geminiEvent, geminiRequest } from '../../src/providers/gemini-shapes.ts'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { eventTextsOf, textsOf } from '../../src/providers/walk.ts'

const request = (body: unknown) => textsOf(scanJson(JSON.stringify(body)) as JsonTree, geminiRequest)

test('snake_case is read as camelCase is', () => {
  const body = {
    system_instruction: { parts: [{ text: 'a b' }] },
    contents: [
      {
        role: 'model',
        parts: [
          { function_call: { name: 'f', args: { k: 'v' } } },
          { inline_data: { mime_type: 'image/png', data: 'AAAA' } },
        ],
      },
    ],
    tools: [{ function_declarations: [{ name: 'f', description: 'c d' }] }],
  }
  assert.deepEqual(
    request(body).map((part) => [part.text, part.role, part.kind]),
    [
      ['a b', 'system', 'message'],
      ['f', 'assistant', 'tool-definition'],
      ['k', 'assistant', 'tool-arguments'],
      ['v', 'assistant', 'tool-arguments'],
      ['f', 'unknown', 'tool-definition'],
      ['c d', 'unknown', 'tool-definition'],
    ],
  )
})

test('a request inside a request is read as well', () => {
  const inner = { contents: [{ parts: [{ text: 'a b' }] }], content: { parts: [{ text: 'c d' }] } }
  for (const body of [{ request: inner }, { requests: [inner] }, { generateContentRequest: inner }]) {
    assert.deepEqual(
      request(body).map((part) => [part.text, part.kind]),
      [
        ['a b', 'message'],
        ['c d', 'message'],
      ],
    )
  }
})

test('signed thoughts are sealed; signed text of the answer is not', () => {
  const parts = [
    { text: 'hm', thought: true, thoughtSignature: 'AAAA' },
    { text: 'hi', thoughtSignature: 'AAAA' },
    { text: 'so', thought: true },
  ]
  const found = request({ contents: [{ role: 'model', parts }] })
  assert.deepEqual(
    found.map((part) => [part.text, part.kind, part.sealed]),
    [
      ['hm', 'reasoning', true],
      ['hi', 'message', undefined],
      ['so', 'reasoning', undefined],
    ],
  )
})

test('arguments that are streamed grow by their path', () => {
  const partialArgs = [{ jsonPath: '$.city', stringValue: 'Zür' }]
  const body = {
    candidates: [{ content: { parts: [{ functionCall: { name: 'f', partialArgs, willContinue: true } }] } }],
  }
  const [, part] = eventTextsOf(scanJson(JSON.stringify(body)) as JsonTree, geminiEvent)
  assert.deepEqual([part?.channel, part?.whole, part?.text], ['candidate:0:call:$.city:argument', false, 'Zür'])
})
