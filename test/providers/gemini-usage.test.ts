import assert from 'node:assert/strict'
import { test } from 'node:test'
import { geminiUsage } from '../../src/providers/gemini-usage.ts'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import { root } from '../../src/providers/json-tree.ts'

const usage = (counts: object) => geminiUsage(scanJson(JSON.stringify(counts)) as JsonTree, root)

test('counts go into disjoint buckets', () => {
  const promptTokensDetails = [
    { modality: 'TEXT', tokenCount: 4 },
    { modality: 'AUDIO', tokenCount: 6 },
  ]
  assert.deepEqual(
    usage({ promptTokenCount: 12, candidatesTokenCount: 5, thoughtsTokenCount: 2, promptTokensDetails }),
    {
      input: 6,
      output: 5,
      reasoning: 2,
      audio: 6,
    },
  )
})

test('the Live API has another name for what the model says', () => {
  const responseTokensDetails = [{ modality: 'AUDIO', tokenCount: 3 }]
  assert.deepEqual(usage({ promptTokenCount: 12, responseTokenCount: 5, responseTokensDetails }), {
    input: 12,
    output: 2,
    audio: 3,
  })
})
