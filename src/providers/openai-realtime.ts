import type { Usage } from '../core/chat.ts'
import type { Reading } from './dialect.ts'
import type { JsonTree } from './json-scan.ts'
import { kindOf, member, root, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { added, count } from './notes.ts'
import {
  outputScope,
  responseDeltas,
  responseEventFields,
  responses,
  responseSettings,
  responseItem,
} from './openai-responses.ts'
import { anything, either, encodedMedia, object, piece, structural, texts, whole } from './shape.ts'
import type { Shape } from './shape.ts'

const audio = object({}, { others: structural })

const settings = {
  ...responseSettings,
  audio,
  voice: structural,
  modalities: structural,
  object: structural,
  type: structural,
}

const ids = {
  type: structural,
  event_id: structural,
  response_id: structural,
  item_id: structural,
  previous_item_id: structural,
}

/** What a client says: one event a message. */
const clientEvent = object({
  ...ids,
  audio: encodedMedia('audio'),
  session: object(settings),
  response: object({ ...settings, input: { ...responseItem, role: 'user' } }),
  item: { ...responseItem, role: 'user' },
})

const eventFields = {
  ...responseEventFields,
  ...ids,
  session: whole(object(settings)),
  conversation: structural,
  error: whole(anything),
} satisfies Record<string, Shape>

const itemScope = (tree: JsonTree, node: JsonNode): string =>
  `item:${stringOf(tree, member(tree, node, 'item_id')) ?? ''}`

const deltas: Record<string, Shape> = {
  ...responseDeltas,
  // Its older names.
  text: piece('message', 'text'),
  audio_transcript: piece('message', 'transcript'),
  output_audio_transcript: piece('message', 'transcript'),
  output_audio: encodedMedia('audio'),
}

const transcription = 'conversation.item.input_audio_transcription'

const byType: Record<string, Shape> = {
  [`${transcription}.delta`]: object(
    { ...eventFields, delta: piece('message', 'transcript') },
    { scope: itemScope, role: 'user' },
  ),
  [`${transcription}.completed`]: object(
    { ...eventFields, transcript: whole(texts('message')) },
    { scope: itemScope, role: 'user' },
  ),
}
for (const [name, delta] of Object.entries(deltas))
  byType[`response.${name}.delta`] = object({ ...eventFields, delta }, { scope: outputScope })

/** A conversation in OpenAI's Realtime API: the events of the Responses API, one a message, and some of its own. */
export const realtime: Reading = {
  request: clientEvent,
  answer: object(eventFields),
  event: either('type', byType, object(eventFields, { scope: outputScope })),
  requestFacts: () => ({ model: null, stream: true, messages: 1, tools: [] }),
  note: (notes, tree) => {
    const before = notes.usage
    responses.note(notes, tree)
    const usage = member(tree, root, 'response', 'usage')
    // Each response counts its own.
    notes.usage = kindOf(tree, usage) === 'object' ? added(before, usageOf(tree, usage)) : before
  },
  closes: (tree) => {
    const type = stringOf(tree, member(tree, root, 'type')) ?? ''
    if (type === `${transcription}.completed`) return [itemScope(tree, root)]
    if (type === 'response.done') return ['*']
    return type.startsWith('response.') && type.endsWith('.done') ? responses.closes(tree, '') : []
  },
}

/** Input includes what was cached; text, audio and images are told apart within both. */
function usageOf(tree: JsonTree, usage: JsonNode): Usage {
  const of = (...path: readonly string[]): number => count(tree, usage, ...path)
  const cached = of('input_token_details', 'cached_tokens')
  const audioIn = of('input_token_details', 'audio_tokens')
  const heard = Math.max(0, audioIn - of('input_token_details', 'cached_tokens_details', 'audio_tokens'))
  const image = Math.max(
    0,
    of('input_token_details', 'image_tokens') - of('input_token_details', 'cached_tokens_details', 'image_tokens'),
  )
  const said = of('output_token_details', 'audio_tokens')
  return {
    input: Math.max(0, of('input_tokens') - cached - heard - image),
    output: Math.max(0, of('output_tokens') - said),
    ...(cached > 0 ? { cachedInput: cached } : {}),
    ...(heard + said > 0 ? { audio: heard + said } : {}),
    ...(image > 0 ? { image } : {}),
  }
}
