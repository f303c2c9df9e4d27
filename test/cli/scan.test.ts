import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text as collected } from 'node:stream/consumers'
import { test } from 'node:test'
import { Command } from 'commander'
import { UsageError } from '../../src/cli/command.ts'
import type { Io } from '../../src/cli/command.ts'
import { scan } from '../../src/cli/scan.ts'
import { SallyportError } from '../../src/core/errors.ts'

const key = 'AKIAQ3EGTSK7DYM4XWZN'

test('standard input is answered with JSON lines', async () => {
  assert.deepEqual(await ran([], `first line\nuse ${key} please`), [
    { type: 'SECRET:aws-access-key', rule: 'aws-access-key', start: 15, end: 35, confidence: 0.95 },
  ])
  assert.deepEqual(await ran([], 'nothing here'), [])
})

test('offsets are UTF-16 code units', async () => {
  const [line] = await ran([], `😀 ${key}`)
  assert.deepEqual([line?.start, line?.end], [3, 23])
})

test('lines of JSON are answered line by line, with their ids', async () => {
  const input = [{ id: 'a', text: key }, { text: 'nothing' }, { id: 3, text: 'x', more: true }]
    .map((line) => JSON.stringify(line))
    .join('\n\n')
  const lines = await ran(['--input', 'jsonl'], input)
  assert.deepEqual(lines, [
    {
      id: 'a',
      spans: [{ type: 'SECRET:aws-access-key', rule: 'aws-access-key', start: 0, end: 20, confidence: 0.95 }],
    },
    { spans: [] },
    { id: 3, spans: [] },
  ])
})

test('several files are named, one is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scan-'))
  try {
    writeFileSync(join(folder, 'a.txt'), key)
    writeFileSync(join(folder, 'b.txt'), 'dora@north-hill.org')
    const both = await ran(['a.txt', 'b.txt'], '', folder)
    assert.deepEqual(
      both.map((line) => [line.file, line.type]),
      [
        ['a.txt', 'SECRET:aws-access-key'],
        ['b.txt', 'EMAIL'],
      ],
    )
    assert.deepEqual(
      (await ran(['a.txt'], '', folder)).map((line) => line.file),
      [undefined],
    )
    await assert.rejects(
      ran(['c.txt'], '', folder),
      (error: unknown) => error instanceof SallyportError && /c\.txt/.test(error.message),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('packs, types and confidence narrow it down', async () => {
  const input = `dora@north-hill.org ${key}`
  assert.deepEqual(
    (await ran(['--packs', 'pii'], input)).map((line) => line.type),
    ['EMAIL'],
  )
  assert.deepEqual(
    (await ran(['--types', 'SECRET,IBAN'], input)).map((line) => line.type),
    ['SECRET:aws-access-key'],
  )
  assert.deepEqual(
    (await ran(['--min-confidence', '0.93'], input)).map((line) => line.type),
    ['SECRET:aws-access-key'],
  )
})

test('wrong usage is told from wrong input', async () => {
  for (const wrong of [
    ['--input', 'xml'],
    ['--packs', 'none'],
    ['--min-confidence', 'high'],
  ])
    await assert.rejects(ran(wrong, ''), UsageError)
  for (const line of ['{', '[]', '{"text":1}', 'null']) {
    await assert.rejects(
      ran(['--input', 'jsonl'], `{"text":""}\n${line}`),
      (error: unknown) => error instanceof SallyportError && /:2 /.test(error.message),
      line,
    )
  }
})

type Line = { type?: string; file?: string; start?: number; end?: number; [more: string]: unknown }

async function ran(args: string[], input: string, cwd = tmpdir()): Promise<Line[]> {
  const stdout = new PassThrough()
  const io: Io = { stdin: Readable.from([Buffer.from(input)]), stdout, stderr: new PassThrough(), env: {}, cwd }
  const command = new Command('scan')
  scan.build(
    command,
    io,
    (action) =>
      async (...given) =>
        void (await action(...given)),
  )
  await command.parseAsync(args, { from: 'user' })
  stdout.end()
  const output = await collected(stdout)
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}
