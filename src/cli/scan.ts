import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text as collected } from 'node:stream/consumers'
import { createInterface } from 'node:readline'
import { SallyportError } from '../core/errors.ts'
import type { Match } from '../core/verdict.ts'
import { compileRules, loadPacks, packsFolder } from '../detect/index.ts'
import type { RuleSet } from '../detect/index.ts'
import { UsageError } from './command.ts'
import type { CliCommand, Io } from './command.ts'

export const scan: CliCommand = {
  name: 'scan',
  summary: 'run the detectors over files or standard input',
  examples: [
    'sallyport scan prompt.txt',
    'git diff | sallyport scan --types SECRET --min-confidence 0.8',
    'sallyport scan --input jsonl < texts.jsonl',
  ],
  build: (command, io, run) => {
    command
      .argument('[file...]', 'files to read; standard input when there is none or for -')
      .option('--input <format>', 'text, or jsonl: one object with a `text` field on each line', 'text')
      .option('--json', 'JSON lines: what is printed anyway')
      .option('--packs <ids>', 'only rules of these packs, by id, with commas; pii and secrets without it')
      .option('--types <types>', 'only these types, with commas; SECRET is all kinds of secrets')
      .option('--min-confidence <number>', 'only findings of this confidence or more, 0 to 1', '0')
      .action(run(async (files: string[], options: Options) => scanAll(files, options, io)))
  },
}

type Options = {
  readonly input: string
  readonly packs?: string
  readonly types?: string
  readonly minConfidence: string
}

async function scanAll(files: readonly string[], options: Options, io: Io): Promise<void> {
  const rules = rulesFor(options)
  const sources = files.length > 0 ? files : ['-']
  for (const file of sources) {
    const name = files.length > 1 ? { file } : {}
    if (options.input === 'jsonl') await scanLines(rules, file, name, io)
    else await scanText(rules, file, name, io)
  }
}

/** Offsets count from the beginning of the whole input, and a match may span lines: text is read whole. */
async function scanText(rules: RuleSet, file: string, name: { file?: string }, io: Io): Promise<void> {
  const text =
    file === '-' ? await collected(io.stdin) : await readable(file, () => readFile(resolve(io.cwd, file), 'utf8'))
  for (const match of rules.find(text)) await write(io, { ...name, ...shown(match), confidence: match.confidence })
}

async function scanLines(rules: RuleSet, file: string, name: { file?: string }, io: Io): Promise<void> {
  const input = file === '-' ? io.stdin : createReadStream(resolve(io.cwd, file))
  await readable(file, async () => {
    let number = 0
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      number++
      if (line.trim() === '') continue
      const { id, text } = parsedLine(line, `${file === '-' ? 'standard input' : file}:${number}`)
      const spans = rules.find(text).map((match) => ({ ...shown(match), confidence: match.confidence }))
      await write(io, { ...name, ...(id === undefined ? {} : { id }), spans })
    }
  })
}

function rulesFor(options: Options): RuleSet {
  if (options.input !== 'text' && options.input !== 'jsonl')
    throw new UsageError(`--input ${options.input}: it is text or jsonl`)
  const minConfidence = Number(options.minConfidence)
  if (!(minConfidence >= 0 && minConfidence <= 1)) throw new UsageError('--min-confidence is a number from 0 to 1')
  const packs = loadPacks([packsFolder()])
  const chosen = listed(options.packs)
  const unknown = chosen?.find((id) => id !== 'all' && !packs.some((pack) => pack.id === id))
  if (unknown !== undefined)
    throw new UsageError(
      `--packs: no pack is called ${unknown}`,
      `There are: ${packs.map((pack) => pack.id).join(', ')}.`,
    )
  const types = listed(options.types)
  // What is looked for unasked are values; what a phrase means depends on who says it.
  const exclude = chosen === undefined && types === undefined ? phrases : []
  return compileRules(packs, { packs: chosen, types, minConfidence, exclude })
}

const phrases = ['PROMPT_INJECTION', 'CONTENT_SAFETY', 'TOOL_CALL']

function listed(option: string | undefined): string[] | undefined {
  return option
    ?.split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function shown(match: Match): { type: string; rule: string; start: number; end: number } {
  return { type: match.type, rule: match.rule, start: match.start, end: match.end }
}

function parsedLine(line: string, place: string): { id: unknown; text: string } {
  const broken = new SallyportError('unreadable_body', `${place} is not a JSON object with a text field`, {
    hint: 'Each line looks like {"text":"…"}.',
  })
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw broken
  }
  if (typeof value !== 'object' || value === null || !('text' in value) || typeof value.text !== 'string') throw broken
  return { id: 'id' in value ? value.id : undefined, text: value.text }
}

async function readable<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR') throw cause
    throw new SallyportError('unreadable_body', `${file} cannot be read: ${code}`, {
      cause,
      hint: 'Check the path and its permissions.',
    })
  }
}

async function write(io: Io, line: object): Promise<void> {
  if (!io.stdout.write(`${JSON.stringify(line)}\n`)) await new Promise((done) => io.stdout.once('drain', done))
}
