import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRecorded, assertTokenized, prompt, sdkStage } from '../support/sdk.ts'

test('the Gemini SDK gets its secret back, the provider never sees it, and the ledger tells it without it', async () => {
  await using stage = await sdkStage('generativelanguage.googleapis.com')
  const said = await stage.talk('genai.ts')
  assert.deepEqual(said, { whole: prompt, stream: prompt, tool: prompt })
  assertTokenized(stage.origin)
  await assertRecorded(stage.sallyport, 'gemini', 'gemini-2.5-pro', [
    { operation: 'generate', stream: 0, tools: '', input: 16 },
    { operation: 'generate', stream: 1, tools: '', input: 16 },
    { operation: 'generate', stream: 0, tools: 'save', input: 16 },
  ])
})
