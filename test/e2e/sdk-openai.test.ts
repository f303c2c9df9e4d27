import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRecorded, assertTokenized, prompt, sdkStage } from '../support/sdk.ts'

test('the OpenAI SDK gets its secret back, the provider never sees it, and the ledger tells it without it', async () => {
  await using stage = await sdkStage('api.openai.com')
  const said = await stage.talk('openai.ts')
  assert.deepEqual(said, {
    chat: prompt,
    chatStream: prompt,
    toolStream: prompt,
    responses: prompt,
    responsesStream: prompt,
  })
  assertTokenized(stage.origin)
  await assertRecorded(stage.sallyport, 'openai', 'gpt-5.1', [
    { operation: 'chat', stream: 0, tools: '', input: 16 },
    { operation: 'chat', stream: 1, tools: '', input: 16 },
    { operation: 'chat', stream: 1, tools: 'save', input: null },
    { operation: 'responses', stream: 0, tools: '', input: 16 },
    { operation: 'responses', stream: 1, tools: '', input: 16 },
  ])
})
