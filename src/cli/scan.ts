import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { buffer as collected } from 'node:stream/consumers'
import { loadConfig } from '../config/load.ts'
import { SallyportError } from '../core/errors.ts'
import type { Match } from '../core/verdict.ts'
import { nearest } from '../lib/nearest.ts'
import { compileRules, loadPacks, packsFolder } from '../detect/index.ts'
import type { RuleSet } from '../detect/index.ts'
import { packFoldersFor } from '../policy/load.ts'
import { UsageError } from './command.ts'
import type { CliCommand, Io } from './command.ts'
import { decoded, inputsOf, textOf, told } from './scan-files.ts'
import type { ScanInput } from './scan-files.ts'

export const scan: CliCommand = {
  name: 'scan',
  summary: 'run the detectors over files or standard input',
  examples: [
    'sallyport scan prompt.txt',
    'sallyport scan --fail src docs',
    'git diff | sallyport scan --types SECRET --min-confidence 0.8',
    'sallyport scan --input jsonl < texts.jsonl',
  ],
  build: (command, io, run) => {
    command
      .argument('[file...]', 'files to read, or folders of them; standard input when there is none or for -')
      .option('--input <format>', 'text, or jsonl: one object with a `text` field on each line', 'text')
      .option('--json', 'JSON lines: what is printed anyway')
      .option('--packs <ids>', 'only rules of these packs, by id, with commas; pii and secrets without it')
      .option('--types <types>', 'only these types, with commas; SECRET is all kinds of secrets')
      .option('--min-confidence <number>', 'only findings of this confidence or more, 0 to 1', '0')
      .option('--fail', 'exit with 1 when something was found')
      .option('-c, --config <file>', 'configuration whose policy folder has more packs; only the own ones without it')
      .action(run(async (files: string[], options: Options) => scanAll(files, options, io)))
  },
}

type Options = {
  readonly input: string
  readonly packs?: string
  readonly types?: string
  readonly minConfidence: string
  readonly fail?: boolean
  readonly config?: string
}

async function scanAll(files: readonly string[], options: Options, io: Io): Promise<number> {
  const rules = rulesFor(options, io)
  const inputs = await inputsOf(files.length > 0 ? files : ['-'], io.cwd)
  const named = files.length > 1 || inputs.length !== 1 || inputs[0]?.name !== (files[0] ?? '-')
  let found = 0
  for (const input of inputs) {
    const name = named ? { file: input.name } : {}
    found += await (options.input === 'jsonl' ? scanLines(rules, input, name, io) : scanText(rules, input, name, io))
  }
  return options.fail === true && found > 0 ? 1 : 0
}

/** Offsets count from the beginning of the whole input, and a match may span lines: text is read whole. */
async function scanText(rules: RuleSet, input: ScanInput, name: { file?: string }, io: Io): Promise<number> {
  const text = input.name === '-' ? decoded(await collected(io.stdin)) : await textOf(input)
  if (text === undefined) io.stderr.write(`note: ${input.name} is not text: it was not scanned\n`)
  const found = text === undefined ? [] : rules.find(text)
  for (const match of found) await write(io, { ...name, ...shown(match), confidence: match.confidence })
  return found.length
}

async function scanLines(rules: RuleSet, input: ScanInput, name: { file?: string }, io: Io): Promise<number> {
  const stream = input.name === '-' ? io.stdin : createReadStream(input.path)
  let found = 0
  await told(input.name, async () => {
    let number = 0
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      number++
      if (line.trim() === '') continue
      const { id, text } = parsedLine(line, `${input.name === '-' ? 'standard input' : input.name}:${number}`)
      const spans = rules.find(text).map((match) => ({ ...shown(match), confidence: match.confidence }))
      found += spans.length
      await write(io, { ...name, ...(id === undefined ? {} : { id }), spans })
    }
  })
  return found
}

function rulesFor(options: Options, io: Io): RuleSet {
  if (options.input !== 'text' && options.input !== 'jsonl')
    throw new UsageError(`--input ${options.input}: it is text or jsonl`)
  const minConfidence = Number(options.minConfidence)
  if (!(minConfidence >= 0 && minConfidence <= 1)) throw new UsageError('--min-confidence is a number from 0 to 1')
  const packs = loadPacks(packFolders(options, io))
  const chosen = listed(options.packs)
  const unknown = chosen?.find((id) => id !== 'all' && !packs.some((pack) => pack.id === id))
  if (unknown !== undefined)
    throw new UsageError(
      `--packs: no pack is called ${unknown}`,
      `There are: ${packs.map((pack) => pack.id).join(', ')}.`,
    )
  const types = listed(options.types)
  const known = new Set(packs.flatMap((pack) => pack.rules.flatMap(({ type }) => [type, type.split(':', 1)[0] ?? ''])))
  const stranger = types?.find((type) => !known.has(type))
  if (stranger !== undefined)
    throw new UsageError(`--types: nothing is of the type ${stranger}`, hintFor(stranger, known))
  // What is looked for unasked are values; what a phrase means depends on who says it.
  const exclude = chosen === undefined && types === undefined ? phrases : []
  return compileRules(packs, { packs: chosen, types, minConfidence, exclude })
}

function hintFor(type: string, known: ReadonlySet<string>): string {
  const close = nearest(type.toUpperCase(), [...known])
  const families = [...known].filter((one) => !one.includes(':')).sort()
  return close === undefined ? `There are: ${families.slice(0, 40).join(', ')}, …` : `Did you mean ${close}?`
}

function packFolders({ config }: Options, { env, cwd }: Io): string[] {
  return config === undefined ? [packsFolder()] : packFoldersFor(loadConfig({ file: config, env, cwd }).policies.dir)
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

async function write(io: Io, line: object): Promise<void> {
  if (!io.stdout.write(`${JSON.stringify(line)}\n`)) await new Promise((done) => io.stdout.once('drain', done))
}
