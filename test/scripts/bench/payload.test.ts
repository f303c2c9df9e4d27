import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatAnswer, chatEvent, chatRequest, restamp } from '../../../scripts/bench/payload.ts'

for (const size of [2_048, 65_536, 1_048_576]) {
  test(`a request of ${size} bytes is about that long, valid, and new in every message each time`, () => {
    const request = chatRequest('api.openai.com', size, 'json')
    assert.ok(Math.abs(request.bytes.length - size) < size * 0.25, String(request.bytes.length))
    const texts = (count: number) => {
      const [head = '', body = ''] = restamp(request, count).toString().split('\r\n\r\n')
      assert.match(head, new RegExp(`^Content-Length: ${Buffer.byteLength(body)}$`, 'im'))
      return (JSON.parse(body) as { messages: { content: string }[] }).messages.map((message) => message.content)
    }
    const [first, second] = [texts(1), texts(2)]
    assert.ok(first.every((text, i) => text !== second[i]))
    assert.equal(first.length, request.stamps.length)
  })
}

test('answers and events are JSON', () => {
  const [, body = ''] = restamp(chatAnswer(2_048), 7).toString().split('\r\n\r\n')
  assert.match(
    (JSON.parse(body) as { choices: { message: { content: string } }[] }).choices[0]?.message.content ?? '',
    /^0{11}7 /,
  )
  assert.equal((JSON.parse(chatEvent(3, 5n).slice(6)) as { system_fingerprint: string }).system_fingerprint, 't5')
})
