import { parseArgs } from 'node:util'
import { expectShortLives } from '../../src/app/memory.ts'
import { anthropic } from '../../src/providers/anthropic.ts'
import { inspectParts } from '../../src/inspect/pipeline.ts'
import type { TextPart } from '../../src/core/text.ts'
import { figure, median, table } from './report.ts'
import { atLeast, atMost } from './results.ts'
import { printRuleCosts } from './scan-rules.ts'
import { secretlintIn } from './scan-secretlint.ts'
import { measureStart } from './scan-start.ts'
import { longestSlice, streamedDeltas } from './scan-turns.ts'
import { allPacksOn, howToInspect, howToRemember, nowhere, plainExpressions } from './scan-subjects.ts'
import type { Subject } from './scan-subjects.ts'
import { scanTexts } from './scan-texts.ts'
import type { ScanTexts } from './scan-texts.ts'

/** `[--quick] [--json] [--rules] [--peers DIR] [--workloads a,b]`: what detection costs, with every rule of every pack on. */
export async function benchScan(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      json: { type: 'boolean' },
      rules: { type: 'boolean' },
      peers: { type: 'string' },
      workloads: { type: 'string' },
    },
  })
  expectShortLives()
  const subject = allPacksOn()
  const texts = scanTexts()
  if (values.rules === true) {
    printRuleCosts(
      subject,
      partsOf(texts.agent).map(({ text }) => text),
      texts,
    )
    return 0
  }
  const quick = values.quick === true
  const named = values.workloads?.split(',')
  const chosen = workloads(subject, texts).filter(({ name }) => named === undefined || named.includes(name))
  const all = await measured(chosen, await contestants(subject, values.peers), quick ? 2 : 7)
  const figures = { ...all, ...(named === undefined ? await others(subject, texts, quick) : {}) }
  if (values.json === true) console.log(JSON.stringify(figures))
  else print(chosen, figures)
  for (const line of scanAims(figures)) console.log(line)
  return 0
}

/** By name: a workload and who took part give megabytes (of UTF-16 code units) per second of CPU; the rest is as it says. */
export type ScanFigures = Readonly<Record<string, number>>

/** What the project aims at, each as one line with what was reached. Aims whose figures were not measured are left out. */
export function scanAims(figures: ScanFigures): string[] {
  const over = (a: string, b: string) => {
    const [one, other] = [figures[a], figures[b]]
    return one === undefined || other === undefined ? undefined : one / other
  }
  return [
    atLeast('prose, MB/s', figures['prose ours'], 100),
    atLeast('a request of an agent, MB/s', figures['agent ours'], 100),
    atLeast('code, MB/s', figures['code ours'], 60),
    atLeast('the same rules as plain expressions, prose, times as fast', over('prose ours', 'prose plain'), 10),
    atLeast('the same rules as plain expressions, code, times as fast', over('code ours', 'code plain'), 10),
    atMost(
      'a conversation sent again with one more turn, times JSON.parse',
      over('resent JSON.parse', 'resent ours'),
      3,
    ),
    atMost('a streamed delta of a few words, µs', figures['delta µs'], 3),
    atMost('longest synchronous slice, ms', figures['slice ms'], 5),
    atMost('packs ready, ms', figures['start ms'], 300),
    atMost('memory of the packs, MB', figures['start MB'], 30),
  ].filter((line) => line !== undefined)
}

type Workload = {
  readonly name: string
  readonly title: string
  readonly text: string
  readonly ours: () => unknown
  /** A JSON body: read and inspected as the engine does. */
  readonly body: boolean
}

function workloads(subject: Subject, texts: ScanTexts): Workload[] {
  const { bindings } = subject
  const inspect = (parts: readonly TextPart[], bytes: number, how = howToInspect()) =>
    inspectParts(bindings, { stage: 'request', parts, bodyBytes: bytes, facts: nowhere }, how)
  const text = (name: 'prose' | 'code' | 'base64', title: string): Workload => {
    const place = { start: 0, end: texts[name].length, spelling: [] }
    const part: TextPart = { text: texts[name], place, role: 'user', kind: 'message', path: 'text' }
    return { name, title, text: texts[name], body: false, ours: () => inspect([part], part.text.length) }
  }
  const body = (name: 'agent' | 'resent', title: string): Workload => {
    const own = texts[name]
    const how = name === 'resent' ? howToRemember() : howToInspect()
    return { name, title, text: own, body: true, ours: () => inspect(partsOf(own), own.length, how) }
  }
  return [
    text('prose', 'chat prose, 1 MB'),
    text('code', 'source code, 1 MB'),
    body('agent', 'request of a coding agent, 1 MB, read and inspected'),
    text('base64', 'base64, 64 KB'),
    body('resent', 'conversation of 2 MB sent again with one more turn'),
  ]
}

function partsOf(body: string): readonly TextPart[] {
  const target = { scheme: 'https', host: 'api.anthropic.com', port: 443, path: '/v1/messages', query: '' } as const
  return anthropic.readRequest(body, { operation: 'messages', target, contentType: 'application/json' }).parts
}

type Contestant = { readonly name: string; readonly run: (workload: Workload) => unknown; readonly most: number }

async function contestants({ packs }: Subject, peers: string | undefined): Promise<Contestant[]> {
  const plain = plainExpressions(packs)
  const secretlint = peers === undefined ? undefined : await secretlintIn(peers)
  if (peers !== undefined && secretlint === undefined) console.log(`secretlint: skipped, not installed in ${peers}`)
  return [
    { name: 'ours', most: Infinity, run: ({ ours }) => ours() },
    { name: 'JSON.parse', most: Infinity, run: ({ body, text }) => (body ? JSON.parse(text) : undefined) },
    // A tenth of the text tells as much: they would take seconds.
    { name: 'plain', most: 100_000, run: ({ text }) => plain(text.slice(0, 100_000)) },
    ...(secretlint === undefined
      ? []
      : [{ name: 'secretlint', most: 100_000, run: ({ text }: Workload) => secretlint(text.slice(0, 100_000)) }]),
  ]
}

/** They take turns, so that what drifts drifts for all. Megabytes per second of CPU, the median of the rounds. */
async function measured(chosen: readonly Workload[], all: readonly Contestant[], rounds: number): Promise<ScanFigures> {
  const rates = new Map<string, number[]>()
  for (let round = -2; round < rounds; round++) {
    for (const workload of chosen) {
      for (const { name, run, most } of all) {
        if (name === 'JSON.parse' && !workload.body) continue
        if (most < Infinity && round > 1) continue
        const times = most < Infinity || round < 0 ? 1 : workload.text.length < 500_000 ? 20 : 4
        const before = process.cpuUsage()
        for (let i = 0; i < times; i++) await run(workload)
        const { user, system } = process.cpuUsage(before)
        const rate = (Math.min(most, workload.text.length) * times) / (user + system)
        const key = `${workload.name} ${name}`
        if (round >= 0) rates.set(key, [...(rates.get(key) ?? []), rate])
      }
    }
  }
  return Object.fromEntries([...rates].map(([key, some]) => [key, median(some)]))
}

async function others(subject: Subject, texts: ScanTexts, quick: boolean): Promise<ScanFigures> {
  const parts = partsOf(texts.conversation)
  return {
    'delta µs': streamedDeltas(subject, texts.prose, quick ? 3 : 9),
    'slice ms': await longestSlice(subject, parts, quick ? 3 : 9),
    ...(await measureStart(quick ? 1 : 3)),
  }
}

function print(chosen: readonly Workload[], figures: ScanFigures): void {
  const head = ['', 'ours MB/s', 'plain', '×', 'secretlint', '×', 'JSON.parse', 'time ×']
  const rows = chosen.map(({ name, title }) => {
    const [ours, plain, lint, parse] = ['ours', 'plain', 'secretlint', 'JSON.parse'].map(
      (who) => figures[`${name} ${who}`],
    )
    const times = (a?: number, b?: number) => figure(a === undefined || b === undefined ? undefined : a / b)
    return [
      title,
      figure(ours),
      figure(plain),
      times(ours, plain),
      figure(lint),
      times(ours, lint),
      figure(parse),
      times(parse, ours),
    ]
  })
  console.log(`${table([head, ...rows])}\n`)
  const single = Object.entries(figures).filter(([name]) => / (?:µs|ms|MB)$/.test(name))
  for (const [name, value] of single) console.log(`${name}: ${figure(value)}`)
  console.log('')
}
