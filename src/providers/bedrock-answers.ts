import { anthropicDialect } from './anthropic.ts'
import type { Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { items, kindOf, member, numberOf, root, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { count, noteCall, noteWords, word } from './notes.ts'
import type { Notes } from './notes.ts'
import { anything, fragment, object, opaque, piece, structural, texts, toolArguments, whole } from './shape.ts'
import type { Shape } from './shape.ts'

type AnswerReading = Pick<Reading, 'answer' | 'event' | 'note' | 'closes'>

const block = object(
  {
    text: texts('message'),
    toolUse: object({ toolUseId: structural, name: structural, type: structural, input: toolArguments }),
    reasoningContent: object({
      reasoningText: object({ text: texts('reasoning'), signature: opaque }, { sealed: isSigned }),
      redactedContent: opaque,
    }),
  },
  { role: 'assistant' },
)

const ends = { stopReason: structural, usage: structural, metrics: structural, p: structural }

const blockScope = (tree: JsonTree, node: JsonNode): string =>
  `block:${numberOf(tree, member(tree, node, 'contentBlockIndex')) ?? 0}`

const delta = object({
  text: piece('message', 'text'),
  toolUse: object({ input: fragment('input') }),
  // A signature that comes last covers it.
  reasoningContent: object(
    { text: piece('reasoning', 'reasoning'), signature: opaque, redactedContent: opaque },
    { sealed: () => true },
  ),
  citation: whole(anything),
})

const growth = {
  contentBlockIndex: structural,
  delta,
  start: object({ toolUse: object({ toolUseId: structural, name: structural, type: structural }) }),
}

const converseEvent = object({ ...growth, ...ends, role: structural, message: texts('message') }, { scope: blockScope })

const converse: AnswerReading = {
  answer: object({ ...ends, output: object({ message: object({ role: structural, content: block }) }) }),
  event: converseEvent,
  note: noteConverse,
  closes: (tree, event) => {
    if (event === 'contentBlockStop') return [blockScope(tree, root)]
    return event === 'messageStop' || event === 'exception' ? ['*'] : []
  },
}

const claude = anthropicDialect.readings.messages as Reading

/** Nova has the events of ConverseStream, each in a member of its name; the older models one growing text. */
const generated = object({
  type: structural,
  generation: piece('message', 'text'),
  outputText: piece('message', 'text'),
  completion: piece('message', 'text'),
  stop_reason: structural,
  stopReason: structural,
  completionReason: structural,
  contentBlockDelta: object(growth, { scope: blockScope }),
  contentBlockStart: object(growth, { scope: blockScope }),
  'amazon-bedrock-invocationMetrics': structural,
})

const invoke: AnswerReading = {
  answer: byModel(claude.answer, anything),
  event: byModel(claude.event, generated),
  note: (notes, tree) => {
    if (isClaude(tree)) claude.note(notes, tree)
    else noteConverse(notes, tree)
    const metrics = member(tree, root, 'amazon-bedrock-invocationMetrics')
    if (kindOf(tree, metrics) !== 'object') return
    notes.usage = {
      ...notes.usage,
      input: count(tree, metrics, 'inputTokenCount'),
      output: count(tree, metrics, 'outputTokenCount'),
    }
  },
  closes: (tree, event) => {
    if (event === 'exception') return ['*']
    if (isClaude(tree)) return claude.closes(tree, event)
    const stopped = member(tree, root, 'contentBlockStop')
    if (kindOf(tree, stopped) === 'object') return [blockScope(tree, stopped)]
    const over = ['stop_reason', 'stopReason', 'completionReason'].some(
      (name) => word(tree, member(tree, root, name)) !== undefined,
    )
    return over || kindOf(tree, member(tree, root, 'messageStop')) === 'object' ? ['*'] : []
  },
}

/** What Bedrock answers, whole and as the events of a stream. */
export const bedrockAnswers = { converse, invoke }

function byModel(ofClaude: Shape, others: Shape): Shape {
  return {
    ...others,
    cases: (tree, node) => (isClaude(tree) ? (ofClaude.cases?.(tree, node) ?? withoutCases(ofClaude)) : undefined),
  }
}

function withoutCases(shape: Shape): Shape {
  return { ...shape, cases: undefined }
}

function isClaude(tree: JsonTree): boolean {
  return /^(?:message|content_block)(?:_|$)/.test(stringOf(tree, member(tree, root, 'type')) ?? '')
}

function isSigned(tree: JsonTree, node: JsonNode): boolean {
  return word(tree, member(tree, node, 'signature')) !== undefined
}

function noteConverse(notes: Notes, tree: JsonTree): void {
  noteWords(notes, tree, { finish: member(tree, root, 'stopReason') })
  noteWords(notes, tree, { finish: member(tree, root, 'messageStop', 'stopReason') })
  for (const holder of [root, member(tree, root, 'contentBlockStart')])
    noteCall(notes, word(tree, member(tree, holder, 'start', 'toolUse', 'name')))
  for (const item of items(tree, member(tree, root, 'output', 'message', 'content')))
    noteCall(notes, word(tree, member(tree, item, 'toolUse', 'name')))
  for (const holder of [root, member(tree, root, 'metadata')]) {
    const usage = member(tree, holder, 'usage')
    if (kindOf(tree, usage) === 'object') notes.usage = usageOf(tree, usage)
  }
}

/** Bedrock counts cached input apart from input. */
function usageOf(tree: JsonTree, usage: JsonNode): Notes['usage'] {
  const cachedInput = count(tree, usage, 'cacheReadInputTokens')
  const cacheWrite = count(tree, usage, 'cacheWriteInputTokens')
  return {
    input: count(tree, usage, 'inputTokens'),
    output: count(tree, usage, 'outputTokens'),
    ...(cachedInput > 0 ? { cachedInput } : {}),
    ...(cacheWrite > 0 ? { cacheWrite } : {}),
  }
}
