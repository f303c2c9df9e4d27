import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keccak256 } from '../../src/detect/keccak.ts'

test('digests are those that the authors of Keccak publish', () => {
  const published: [text: string, digest: string][] = [
    ['', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
    ['abc', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
  ]
  for (const [text, digest] of published) assert.equal(keccak256(text).toString('hex'), digest)
})
