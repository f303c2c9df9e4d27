import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleReadme } from '../../../src/audit/bundle/readme.ts'

const head = {
  sallyport: 'bundle',
  version: 1,
  ledger: 'abc',
  made: 'NOW',
  excerpt: false,
  since: null,
  until: null,
} as const

test('it says what the bundle holds and how to verify it', () => {
  const text = bundleReadme(head, { blocks: 3, rows: 9 })
  assert.match(text, /Ledger abc\. Blocks: 3, rows: 9\.\nThe whole ledger\./)
  assert.match(text, /^ {2}node verify\.mjs --public-key FILE$/m)
  assert.match(
    bundleReadme({ ...head, excerpt: true, since: 'A' }, { blocks: 3, rows: 9 }),
    /Rows from A to before the end; .* only the digests/,
  )
})
