import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../source-files.ts'

export type ScanTexts = {
  readonly prose: string
  readonly code: string
  /** Body of a request of a coding agent to Anthropic's Messages API. */
  readonly agent: string
  /** The same kind, twice as long, as it was sent, and with another turn. */
  readonly conversation: string
  readonly resent: string
  readonly base64: string
}

/** The same texts for the same checkout: what they are made of are its own sources and pages, and those of its dependencies. */
export function scanTexts(): ScanTexts {
  const random = randomFrom(20_261_121)
  const code = shuffled(
    sources(['src', 'node_modules/undici/lib', 'node_modules/zod/v4', 'node_modules/ws/lib'], /\.[jt]s$/),
    random,
  )
  const pages = shuffled(
    sources(['docs', 'node_modules/undici', 'node_modules/prom-client', 'node_modules/pino'], /\.md$/),
    random,
  )
  const sentences = pages.flatMap(sentencesOf)
  const long = turns(2_000_000, sentences, code, random)
  return {
    prose: chat(1_000_000, sentences, random),
    code: code.join('\n').slice(0, 1_000_000),
    agent: body(turns(1_000_000, sentences, code, random)),
    conversation: body(long),
    resent: body([...long, ...turns(2_000, sentences, code, random)]),
    base64: Buffer.from(Array.from({ length: 49_152 }, () => random(256))).toString('base64'),
  }
}

type Random = (below: number) => number
type Turn = { readonly role: string; readonly content: readonly unknown[] }

function sources(folders: readonly string[], name: RegExp): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => name.test(path))
      .toSorted()
      .map((path) => readFileSync(join(repository, folder, path), 'utf8')),
  )
}

/** Sentences of a page, without its code, tables and links. */
function sentencesOf(page: string): string[] {
  return page
    .replaceAll(/```[\s\S]*?```/g, '')
    .split(/\n\s*\n/)
    .filter((paragraph) => /^[A-Z*`]/.test(paragraph) && !/\]\(|\|/.test(paragraph))
    .flatMap((paragraph) => paragraph.replaceAll(/\s+/g, ' ').split(/(?<=[.!?]) /))
    .filter((sentence) => sentence.length > 30)
}

/** What people write to a model: sentences, and here and there a number, an amount, a date or a place in a file. */
function chat(length: number, sentences: readonly string[], random: Random): string {
  const paragraphs: string[] = []
  for (let written = 0; written < length; written += paragraphs.at(-1)?.length ?? 0) {
    const some = Array.from({ length: 3 + random(5) }, () => sentences[random(sentences.length)] ?? '')
    if (random(3) === 0) some.push(`It was ${details[random(details.length)]?.(random)}.`)
    paragraphs.push(`${some.join(' ')}\n\n`)
  }
  return paragraphs.join('').slice(0, length)
}

const details: readonly ((random: Random) => string)[] = [
  (random) => `$${random(900)},${100 + random(900)}.${10 + random(90)} in Q${1 + random(4)} 2025`,
  (random) => `2026-0${1 + random(9)}-${10 + random(19)} at ${10 + random(13)}:${10 + random(50)}`,
  (random) => `in src/inspect/stream.ts:${random(400)}, version 3.${random(20)}.${random(9)}`,
  (random) => `order ${100_000 + random(900_000)} of user${random(90)}@mail.test`,
  (random) => `${random(100)} % of ${random(10_000)} requests, ${random(90)}.${random(9)} ms each`,
]

/** Questions, calls of tools, files with line numbers, diffs, listings. */
function turns(length: number, sentences: readonly string[], code: readonly string[], random: Random): Turn[] {
  const made: Turn[] = []
  for (let written = 0; written < length;) {
    const id = `toolu_${random(1e9).toString(36)}`
    const file = (code[random(code.length)] ?? '').slice(0, 6_000)
    const path = `/home/dev/app/src/part${random(90)}.ts`
    const [input, result] = tools[random(tools.length)]?.(path, file, random) ?? [{}, '']
    const says = { type: 'text', text: chat(300 + random(900), sentences, random) }
    const both: Turn[] = [
      { role: 'assistant', content: [says, { type: 'tool_use', id, name: 'run', input }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: result }] },
    ]
    written += JSON.stringify(both).length
    made.push(...both)
  }
  return made
}

const tools: readonly ((path: string, file: string, random: Random) => readonly [object, string])[] = [
  (path, file) => [
    { file_path: path },
    file
      .split('\n')
      .map((line, i) => `${i + 1}\t${line}`)
      .join('\n'),
  ],
  (path, file) => [{ file_path: path, content: file }, `File created at ${path}`],
  (path, file, random) => [
    { command: `git diff ${path}` },
    `diff --git a/part.ts b/part.ts\nindex ${hex(random)}..${hex(random)} 100644\n@@ -1,9 +1,12 @@\n` +
      file
        .split('\n')
        .map((line) => ` -+ `.charAt(random(4)) + line)
        .join('\n'),
  ],
  (path, _, random) => [
    { command: 'ls -l', cwd: path },
    Array.from(
      { length: 40 },
      () => `-rw-r--r-- 1 dev dev ${random(90_000)} Nov ${1 + random(28)} 10:${10 + random(50)} part${random(99)}.ts`,
    ).join('\n'),
  ],
]

function body(messages: readonly Turn[]): string {
  const system = 'You are a coding agent. Answer briefly.'
  return JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 8_000, stream: true, system, messages })
}

function hex(random: Random): string {
  return (random(1 << 28) + (1 << 28)).toString(16)
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((one) => ({ one, at: random(1 << 30) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    // The upper bits of a linear congruential generator; the lower ones repeat too soon.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
