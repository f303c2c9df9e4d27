import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

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

test('a folder stands for the files below it, each line names its file, and what is not text is passed over', async () => {
  const folder = tempFolder('scan')
  mkdirSync(join(folder, 'src', '.git'), { recursive: true })
  writeFileSync(join(folder, 'src', 'a.txt'), key)
  writeFileSync(join(folder, 'src', '.git', 'b.txt'), key)
  writeFileSync(join(folder, 'src', 'c.bin'), `\0${key}`)
  writeFileSync(join(folder, 'src', 'd.txt'), Buffer.from(`\uFEFF${key}`, 'utf16le'))
  symlinkSync(join(folder, 'src', 'a.txt'), join(folder, 'src', 'link'))
  assert.deepEqual(
    (await ran(['src'], '', folder)).map((line) => [line.file, line.start]),
    [
      ['src/a.txt', 0],
      ['src/d.txt', 1],
    ],
  )
})

test('--fail makes findings a failure', async () => {
  assert.equal((await commandLine(['scan', '--fail'], { cwd: tmpdir(), stdin: key })).status, 1)
  assert.equal((await commandLine(['scan', '--fail'], { cwd: tmpdir(), stdin: 'nothing' })).status, 0)
  assert.equal((await commandLine(['scan'], { cwd: tmpdir(), stdin: key })).status, 0)
})

test('a configuration adds the packs of its policy folder', async () => {
  const badge = `id: acme
version: 1
rules:
  - { id: badge, type: BADGE, pattern: 'BDG-\\d{6}', keywords: ['bdg-'], confidence: 0.9, severity: low, examples: { match: ['BDG-402817'], noMatch: ['BDG-1'] } }
`
  const cwd = tempFolder('scan')
  mkdirSync(join(cwd, 'policies', 'packs'), { recursive: true })
  writeFileSync(join(cwd, 'policies', 'packs', 'acme.yaml'), badge)
  writeFileSync(join(cwd, 'sallyport.yaml'), '')
  const types = async (...args: string[]) => (await ran(args, 'badge BDG-402817', cwd)).map((line) => line.type)
  assert.deepEqual(await types('--types', 'BADGE', '-c', 'sallyport.yaml'), ['BADGE'])
  assert.deepEqual(await types('-c', 'sallyport.yaml'), ['BADGE'])
  assert.deepEqual(await types(), [])
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
    ['--types', 'SECERT'],
    ['--types', 'SECRET,none'],
    ['--types', 'secret'],
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
