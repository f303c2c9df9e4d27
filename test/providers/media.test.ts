import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mediaNamed, mediaOf, typeInUri } from '../../src/providers/media.ts'

test('bytes are told by how they begin, whatever they are said to be', () => {
  const cases: [string, string][] = [
    ['\u0089PNG\r\n\u001a\n', 'image'],
    ['\u00ff\u00d8\u00ff\u00e0', 'image'],
    ['RIFF\0\0\0\0WEBPVP8', 'image'],
    ['%PDF-1.7\n', 'pdf'],
    ['RIFF\0\0\0\0WAVEfmt', 'audio'],
    ['ID3\u0004', 'audio'],
    ['\0\0\0 ftypisom', 'video'],
    ['\0\0\0 ftypheic', 'image'],
    ['PK\u0003\u0004', 'binary'],
    ['', 'binary'],
  ]
  for (const [bytes, kind] of cases)
    assert.equal(mediaOf(Buffer.from(bytes, 'latin1').toString('base64')), kind, JSON.stringify(bytes))
  assert.equal(mediaOf(Buffer.from('%PDF-1.7').toString('base64'), 'image/png'), 'pdf')
})

test('what does not show it is what it is said to be', () => {
  const raw = Buffer.alloc(64).toString('base64')
  const cases: [string, string][] = [
    ['audio/pcm', 'audio'],
    ['pcm16', 'audio'],
    ['image/svg+xml', 'image'],
    ['application/pdf', 'pdf'],
    ['video/mp4', 'video'],
    ['application/zip', 'binary'],
    ['', 'binary'],
  ]
  for (const [said, kind] of cases) assert.deepEqual([mediaNamed(said), mediaOf(raw, said)], [kind, kind], said)
  assert.equal(typeInUri('data:image/png;base64,AAAA'), 'image/png')
  assert.equal(typeInUri('data:,x'), '')
})
