import assert from 'node:assert/strict'
import { test } from 'node:test'
import { releaseStartupMemory } from '../../src/app/memory.ts'

test('what is no longer kept is given back, and code gets no way to collect garbage by itself', async () => {
  const gone = new WeakRef({ rules: Array.from({ length: 1_000 }, (_, i) => ({ i })) })
  // A reference that was made in this turn holds its target until the turn ends.
  await new Promise((resolve) => setImmediate(resolve))
  releaseStartupMemory()
  assert.equal(gone.deref(), undefined)
  assert.equal(Reflect.get(globalThis, 'gc'), undefined)
})
