import type { Reading } from './dialect.ts'
import { geminiContent, geminiEventParts, geminiRequest, geminiResult } from './gemini-shapes.ts'
import { geminiUsage } from './gemini-usage.ts'
import { isTrue, items, kindOf, member, root } from './json-tree.ts'
import { added, noteCall, word } from './notes.ts'
import { anything, encodedMedia, object, opaque, piece, structural, texts, toolArguments, whole } from './shape.ts'

const media = object({ mimeType: structural, mime_type: structural, data: encodedMedia() })

/** What a client says in the Live API. */
const clientMessage = object({
  setup: geminiRequest,
  clientContent: object({ turns: { ...geminiContent, role: 'user' } }),
  client_content: object({ turns: { ...geminiContent, role: 'user' } }),
  realtimeInput: object({ text: texts('message', 'user'), audio: media, video: media, mediaChunks: media }),
  realtime_input: object({ text: texts('message', 'user'), audio: media, video: media, media_chunks: media }),
  toolResponse: object({ functionResponses: geminiResult }),
  tool_response: object({ function_responses: geminiResult }),
})

const said = object({ text: piece('message', 'said') }, { scope: () => 'output' })
const heard = object({ text: piece('message', 'heard') }, { scope: () => 'input', role: 'user' })

const serverMessage = object({
  setupComplete: whole(anything),
  serverContent: object({
    modelTurn: object({ role: structural, parts: geminiEventParts }, { roles: true }),
    outputTranscription: said,
    inputTranscription: heard,
    groundingMetadata: whole(anything),
  }),
  toolCall: object({ functionCalls: object({ id: structural, name: structural, args: toolArguments }) }),
  toolCallCancellation: object({ ids: structural }),
  sessionResumptionUpdate: object({ newHandle: opaque }),
  usageMetadata: structural,
})

/** A conversation in Gemini's Live API: one document a message. */
export const live: Reading = {
  request: clientMessage,
  answer: serverMessage,
  event: serverMessage,
  requestFacts: () => ({ model: null, stream: true, messages: 1, tools: [] }),
  note: (notes, tree) => {
    for (const call of items(tree, member(tree, root, 'toolCall', 'functionCalls')))
      noteCall(notes, word(tree, member(tree, call, 'name')))
    const usage = member(tree, root, 'usageMetadata')
    // Each turn counts its own.
    if (kindOf(tree, usage) === 'object') notes.usage = added(notes.usage, geminiUsage(tree, usage))
  },
  closes: (tree) => {
    const content = member(tree, root, 'serverContent')
    const over = ['turnComplete', 'interrupted'].some((name) => isTrue(tree, member(tree, content, name)))
    return over ? ['*'] : []
  },
}
