import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bundleSource } from '../../../src/audit/verify/bundle.ts'
import type { Row, Source } from '../../../src/audit/verify/source.ts'
import { chainColumns } from '../../../src/store/chain.ts'
import { tempFolder } from '../../support/temp.ts'

const head = { sallyport: 'bundle', version: 1, ledger: 'abc', made: '', excerpt: false, since: null, until: null }

function bundle(files: Readonly<Record<string, string>>): Source {
  const dir = tempFolder('bundle')
  writeFileSync(join(dir, 'bundle.json'), JSON.stringify(head))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return bundleSource(dir, chainColumns)
}

function line(seq: number, block: number): string {
  const row = Object.fromEntries(chainColumns.events.map((name) => [name, `${name} ${seq}`]))
  return `${JSON.stringify({ seq, block, row })}\n`
}

const wanted = (...seqs: number[]): { table: 'events'; seq: number }[] => seqs.map((seq) => ({ table: 'events', seq }))
const seqs = (rows: Iterable<unknown>): unknown[] =>
  [...(rows as Iterable<{ seq: number } | undefined>)].map((row) => row?.seq)

test('rows come with the block they are of, in whatever order their lines stand in it', () => {
  const source = bundle({ 'events.jsonl': [line(2, 1), line(1, 1), line(3, 4)].join('') })
  assert.deepEqual(seqs(source.rows(1, wanted(1, 2, 3)) as Iterable<unknown>), [1, 2, undefined])
  assert.deepEqual(seqs(source.rows(2, wanted()) as Iterable<unknown>), [])
  assert.deepEqual(seqs(source.rows(4, wanted(3)) as Iterable<unknown>), [3])
  assert.deepEqual(seqs(source.strays({ exchanges: 0, connections: 0, events: 3 }) as Iterable<unknown>), [])
})

test('lines that no entry asks for are strays: past blocks, other numbers, twice, after the end', () => {
  const lines = [line(1, 1), line(1, 1), line(8, 1), line(9, 2), line(2, 5), line(3, 4), line(4, 99)]
  const source = bundle({ 'events.jsonl': lines.join('') })
  assert.deepEqual(seqs(source.rows(1, wanted(1)) as Iterable<unknown>), [1])
  assert.deepEqual(seqs(source.rows(5, wanted(2)) as Iterable<unknown>), [2])
  assert.deepEqual(
    seqs(source.strays({ exchanges: 0, connections: 0, events: 0 }) as Iterable<unknown>).toSorted(
      (a, b) => Number(a) - Number(b),
    ),
    [1, 3, 4, 8, 9],
  )
})

test('a line that is cut, is no row, or is not in its one form is an error', () => {
  const whole = line(1, 1).trimEnd()
  const bad = [
    '{}',
    '[]',
    '1',
    '"x"',
    'null',
    ` ${whole}`,
    whole.replace('"seq":1', '"seq":1,"seq":1'),
    whole.replace('"seq":1', '"seq":1.5'),
  ]
  for (let end = 1; end < whole.length; end += 1) bad.push(whole.slice(0, end))
  for (const text of bad) {
    const source = bundle({ 'events.jsonl': `${text}\n` })
    assert.throws(() => [...(source.rows(1, wanted(1)) as Iterable<unknown>)], text)
  }
})

test('an error names the file and the line', () => {
  const cases = { '{"seq":': 'it is not JSON', '{}': 'it is not a row', null: 'it is not in its form' }
  for (const [text, why] of Object.entries(cases)) {
    const source = bundle({ 'events.jsonl': `${line(1, 1)}${text}\n` })
    const message = new RegExp(`events\\.jsonl, line 2: ${why}$`)
    assert.throws(() => [...(source.rows(1, wanted(1)) as Iterable<unknown>)], { message })
  }
})

test('a folder without a bundle, or with one of another kind, is an error', () => {
  assert.throws(() => bundleSource(tempFolder('none'), chainColumns), /it has no bundle\.json/)
  for (const text of ['', '[]', '{}', JSON.stringify({ ...head, version: 2 })])
    assert.throws(() => bundle({ 'bundle.json': text }))
})

test('content in another form than those that there are is an error', () => {
  const row = Object.fromEntries(chainColumns.exchanges.map((name) => [name, null]))
  const read = (request: unknown): void => {
    const source = bundle({ 'exchanges.jsonl': `${JSON.stringify({ seq: 1, block: 1, row, request })}\n` })
    void [...(source.rows(1, [{ table: 'exchanges', seq: 1 }]) as Iterable<unknown>)]
  }
  for (const not of ['sealed', 'missing', 'altered', 'skipped']) read({ not })
  read({ text: '' })
  const bad = [{}, [], null, 'text', 1, { text: 1 }, { not: null }, { text: '', file: '' }, { text: '', __proto: 1 }]
  const words = ['fits', 'gone', 'none', 'constructor', ''].map((not) => ({ not }))
  for (const request of [...bad, ...words]) assert.throws(() => read(request), /line 1: its request is no content$/)
})

test('what stands beside a row, and nothing vouches for, is an error', () => {
  const source = bundle({ 'events.jsonl': line(1, 1).replace('{"seq"', '{"note":"x","seq"') })
  assert.throws(() => [...(source.rows(1, wanted(1)) as Iterable<unknown>)], /line 1: it has more than a row$/)
})

test(
  'a link, a pipe or a folder in the place of a body is no body',
  { skip: process.platform === 'win32' },
  async () => {
    const id = '01900000-0000-7000-8000-000000000001'
    const row = Object.fromEntries(chainColumns.exchanges.map((name) => [name, name === 'id' ? id : null]))
    const text = `${JSON.stringify({ seq: 1, block: 1, row, request: { file: `bodies/${id}.request` } })}\n`
    const make: Record<string, (path: string) => void> = {
      link: (path) => symlinkSync('/dev/zero', path),
      pipe: (path) => execFileSync('mkfifo', [path]),
      folder: (path) => mkdirSync(path),
    }
    for (const [what, put] of Object.entries(make)) {
      const dir = tempFolder('bundle')
      writeFileSync(join(dir, 'bundle.json'), JSON.stringify(head))
      writeFileSync(join(dir, 'exchanges.jsonl'), text)
      mkdirSync(join(dir, 'bodies'))
      put(join(dir, 'bodies', `${id}.request`))
      const source = bundleSource(dir, chainColumns)
      const [found] = [...(source.rows(1, [{ table: 'exchanges', seq: 1 }]) as Iterable<Row>)]
      assert.deepEqual(await source.content(found!, 'request'), { kind: 'altered', file: true }, what)
    }
  },
)

test('a pipe in the place of a list of lines is an error', { skip: process.platform === 'win32' }, () => {
  const dir = tempFolder('bundle')
  writeFileSync(join(dir, 'bundle.json'), JSON.stringify(head))
  execFileSync('mkfifo', [join(dir, 'blocks.jsonl')])
  assert.throws(() => [...(bundleSource(dir, chainColumns).blocks() as Iterable<unknown>)], /is not a file$/)
})
