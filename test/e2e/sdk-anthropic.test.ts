import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRecorded, assertTokenized, prompt, sdkStage } from '../support/sdk.ts'

test('the Anthropic SDK gets its secret back, the provider never sees it, and the ledger tells it without it', async () => {
  await using stage = await sdkStage('api.anthropic.com')
  const said = await stage.talk('anthropic.ts')
  assert.deepEqual(said, { whole: prompt, stream: prompt, toolStream: prompt, counted: 20 })
  assertTokenized(stage.origin)
  await assertRecorded(stage.sallyport, 'anthropic', 'claude-sonnet-5-5', [
    { operation: 'messages', stream: 0, tools: '', input: 16 },
    { operation: 'messages', stream: 1, tools: '', input: 16 },
    { operation: 'messages', stream: 1, tools: 'save', input: 16 },
    { operation: 'count_tokens', stream: 0, tools: '', input: null },
  ])
})
