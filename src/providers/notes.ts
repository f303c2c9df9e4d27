import type { AnswerFacts, Usage } from '../core/chat.ts'
import type { JsonTree } from './json-scan.ts'
import { items, member, numberOf, root, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'

/** What an answer has told so far; a later word replaces an earlier one, which suits usage that is repeated or cumulative. */
export type Notes = {
  model: string | null
  usage: Usage
  finishReason: string | null
  upstreamId: string | null
  toolCalls: string[]
  /** Calls whose name is already noted, for dialects that repeat it. */
  readonly seen: Set<string>
}

export function newNotes(): Notes {
  return { model: null, usage: {}, finishReason: null, upstreamId: null, toolCalls: [], seen: new Set() }
}

export function factsOf(notes: Notes): AnswerFacts {
  const { model, usage, finishReason, upstreamId, toolCalls } = notes
  return { model, usage, finishReason, upstreamId, toolCalls: [...toolCalls] }
}

/** Notes model, id and finish reason where the nodes hold words; a null keeps what was there. */
export function noteWords(
  notes: Notes,
  tree: JsonTree,
  words: { model?: JsonNode; id?: JsonNode; finish?: JsonNode },
): void {
  notes.model = word(tree, words.model) ?? notes.model
  notes.upstreamId = word(tree, words.id) ?? notes.upstreamId
  notes.finishReason = word(tree, words.finish) ?? notes.finishReason
}

/** Notes the call of a tool; with a key, only the first time. */
export function noteCall(notes: Notes, name: string | undefined, key?: string): void {
  if (name === undefined || name === '' || notes.toolCalls.length >= mostNames) return
  if (key !== undefined) {
    if (notes.seen.has(key)) return
    notes.seen.add(key)
  }
  notes.toolCalls.push(name.slice(0, longestName))
}

/** A name, id or the like as it is recorded: bounded. */
export function word(tree: JsonTree, node: JsonNode | undefined): string | undefined {
  const text = node === undefined ? undefined : stringOf(tree, node)
  return text === undefined || text === '' ? undefined : text.slice(0, longestName)
}

/** The model of a request: its `model`, or the deployment or model that the path names. */
export function modelOf(tree: JsonTree, path: string): string | null {
  const named = word(tree, member(tree, root, 'model'))
  if (named !== undefined) return named
  const inPath = /\/(?:deployments|models?)\/([^/:]+)/.exec(path)?.[1]
  return inPath === undefined ? null : unescaped(inPath).slice(0, longestName)
}

function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** The names at a path in each element of an array. */
export function namesIn(tree: JsonTree, list: JsonNode, ...path: readonly string[]): string[] {
  const names: string[] = []
  for (const item of items(tree, list)) {
    const name = word(tree, member(tree, item, ...path))
    if (name !== undefined && names.length < mostNames) names.push(name)
  }
  return names
}

/** A count at a path of members, or 0. */
export function count(tree: JsonTree, node: JsonNode, ...path: readonly string[]): number {
  const number = Math.round(numberOf(tree, member(tree, node, ...path)) ?? 0)
  return number > 0 && number <= MOST_TOKENS ? number : 0
}

/** The sum of two counts, bucket by bucket. */
export function added(a: Usage, b: Usage): Usage {
  const sum: Record<string, number> = { ...a }
  for (const [bucket, tokens] of Object.entries(b)) sum[bucket] = (sum[bucket] ?? 0) + tokens
  return sum
}

// What is more is no count; nor could it be stored, or added up.
const MOST_TOKENS = 1e12
const longestName = 256
const mostNames = 1_000
