import type { JsonTree } from './json-scan.ts'
import { isTrue, member, numberOf, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import {
  anything,
  encodedMedia,
  object,
  opaque,
  piece,
  schema,
  structural,
  texts,
  toolArguments,
  toolName,
  toolResult,
} from './shape.ts'
import type { Fields, Shape } from './shape.ts'

// The API reads the names of protobuf JSON in both spellings: camelCase and snake_case.

const blob = object({
  mimeType: structural,
  mime_type: structural,
  displayName: texts('file-name'),
  data: encodedMedia(),
})
const file = object({ mimeType: structural, mime_type: structural, displayName: texts('file-name') })
const call = object({
  id: structural,
  name: toolName,
  args: toolArguments,
  partialArgs: object(
    { jsonPath: structural, stringValue: piece('tool-arguments', 'argument') },
    { scope: argumentScope },
  ),
})
export const geminiResult = object({
  id: structural,
  name: toolName,
  response: toolResult,
  parts: toolResult,
  scheduling: structural,
})
const code = object({ id: structural, language: structural, code: texts('tool-arguments') })
const outcome = object({ id: structural, outcome: structural, output: texts('tool-result', 'tool') })

const part: Fields = {
  text: texts('message'),
  inlineData: blob,
  inline_data: blob,
  fileData: file,
  file_data: file,
  functionCall: call,
  function_call: call,
  functionResponse: geminiResult,
  function_response: geminiResult,
  executableCode: code,
  executable_code: code,
  codeExecutionResult: outcome,
  code_execution_result: outcome,
  thoughtSignature: opaque,
  thought_signature: opaque,
}

const parts = thinkingOr(object(part), object({ ...part, text: texts('reasoning') }))
export const geminiContent = object({ role: structural, parts }, { as: 'message', roles: true })
const declarations = object(
  {
    name: toolName,
    parameters: schema,
    parametersJsonSchema: schema,
    response: schema,
    responseJsonSchema: schema,
    behavior: structural,
  },
  { as: 'tool-definition', others: 'same' },
)
const generationConfig = object({
  responseMimeType: structural,
  response_mime_type: structural,
  responseSchema: schema,
  response_schema: schema,
  responseJsonSchema: schema,
  responseModalities: structural,
  mediaResolution: structural,
  speechConfig: structural,
  thinkingConfig: structural,
})

const calling = object(
  { mode: structural, allowedFunctionNames: toolName, allowed_function_names: toolName },
  { as: 'structural' },
)
const toolConfig = object({ functionCallingConfig: calling, function_calling_config: calling }, { as: 'structural' })

const fields = {
  model: structural,
  contents: { ...geminiContent, role: 'user' },
  content: geminiContent,
  systemInstruction: { ...geminiContent, roles: undefined, role: 'system' },
  system_instruction: { ...geminiContent, roles: undefined, role: 'system' },
  tools: object({ functionDeclarations: declarations, function_declarations: declarations }),
  toolConfig,
  tool_config: toolConfig,
  safetySettings: structural,
  safety_settings: structural,
  generationConfig,
  generation_config: generationConfig,
  cachedContent: structural,
  cached_content: structural,
  labels: texts('metadata'),
  taskType: structural,
} satisfies Fields

/** `request` holds the same once more: in Code Assist, in batches of embeddings and in token counts. */
export const geminiRequest: Shape = object({
  ...fields,
  request: object(fields),
  requests: object(fields),
  generateContentRequest: object(fields),
})

export const geminiCandidateScope = (tree: JsonTree, node: JsonNode, position: number): string =>
  `candidate:${numberOf(tree, member(tree, node, 'index')) ?? position}`

function answer(partShape: Shape): Shape {
  const own = {
    modelVersion: structural,
    responseId: structural,
    createTime: structural,
    usageMetadata: structural,
    promptFeedback: structural,
    candidates: object(
      {
        content: object({ role: structural, parts: partShape }, { roles: true }),
        finishReason: structural,
        safetyRatings: structural,
        // The tokens of the text once more.
        logprobsResult: { as: 'ignored' },
        groundingMetadata: anything,
      },
      { scope: geminiCandidateScope },
    ),
  } satisfies Fields
  return object({ ...own, response: object(own) })
}

export const geminiAnswer: Shape = answer(parts)

/** The parts of an event: their texts grow. */
export const geminiEventParts: Shape = thinkingOr(
  object({ ...part, text: piece('message', 'text') }),
  object({ ...part, text: piece('reasoning', 'thought') }),
)

export const geminiEvent: Shape = answer(geminiEventParts)

/** A part is of the model's thoughts when it says `thought: true`; one that is signed must come back as it is. */
function thinkingOr(plain: Shape, thought: Shape): Shape {
  const sealed = { ...thought, sealed: isSigned }
  return { ...plain, cases: (tree, node) => (isThought(tree, node) ? sealed : undefined) }
}

function isThought(tree: JsonTree, node: JsonNode): boolean {
  return isTrue(tree, member(tree, node, 'thought'))
}

function isSigned(tree: JsonTree, node: JsonNode): boolean {
  return (
    (stringOf(tree, member(tree, node, 'thoughtSignature')) ??
      stringOf(tree, member(tree, node, 'thought_signature')) ??
      '') !== ''
  )
}

function argumentScope(tree: JsonTree, node: JsonNode, position: number): string {
  return `call:${stringOf(tree, member(tree, node, 'jsonPath')) ?? position}`
}
