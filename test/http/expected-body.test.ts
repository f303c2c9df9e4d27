import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesBody, collect, madeBody } from '../../src/http/body.ts'
import { expectedBody } from '../../src/http/expected-body.ts'

const content = Buffer.from('held back')

const readers: [how: string, read: (body: ReturnType<typeof expectedBody>) => Promise<Buffer>][] = [
  ['iterated', async (body) => Buffer.concat(await Array.fromAsync(body))],
  [
    'collected',
    async (body) => {
      const collected = await collect(body, 100)
      return collected.kind === 'whole' ? collected.bytes : Buffer.alloc(0)
    },
  ],
]

for (const [how, read] of readers) {
  test(`a body that is held back is asked for when it is ${how}, and not before`, async () => {
    let asked = 0
    const body = expectedBody(bytesBody(content), () => (asked += 1))
    assert.deepEqual([body.length, body.trailers(), asked], [content.length, [], 0])
    assert.deepEqual(await read(body), content)
    assert.equal(asked, 1)
  })
}

test('a body that is too large by its own word is not asked for', async () => {
  let asked = 0
  async function* never(): AsyncGenerator<Uint8Array> {}
  const body = expectedBody(madeBody(never(), 1_000), () => (asked += 1))
  assert.equal((await collect(body, 999)).kind, 'over')
  assert.equal(asked, 0)
})
