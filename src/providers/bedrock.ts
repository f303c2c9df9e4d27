import { bedrockAnswers } from './bedrock-answers.ts'
import { anyReading, defineProvider } from './define.ts'
import type { Dialect, Reading } from './dialect.ts'
import { writeMessage } from './event-stream.ts'
import { lengthOf, member, root } from './json-tree.ts'
import { modelOf, namesIn } from './notes.ts'
import { openaiDialect } from './openai.ts'
import type { Operation, Refusal } from './provider.ts'

const reading: Reading = {
  ...anyReading,
  requestFacts: (tree, { target }) => ({
    model: modelOf(tree, target.path),
    stream: target.path.endsWith('-stream'),
    messages: lengthOf(tree, member(tree, root, 'messages')),
    tools: namesIn(tree, member(tree, root, 'toolConfig', 'tools'), 'toolSpec', 'name'),
  }),
}

/** Amazon Bedrock. Of a request every string is text; a stream is binary messages, each with a JSON document. */
const bedrockDialect: Dialect = {
  name: 'bedrock',
  operation: operationOf,
  readings: { converse: { ...reading, ...bedrockAnswers.converse }, invoke: { ...reading, ...bedrockAnswers.invoke } },
  refuse: (refusal) => ({
    contentType: 'application/json',
    body: JSON.stringify({ message: refusal.message }),
    headers: ['x-amzn-errortype', exceptionOf(refusal)],
  }),
  refuseEvent: (refusal, about) =>
    about?.contentType.startsWith('application/vnd.amazon.eventstream') === true
      ? exceptionMessage(refusal)
      : `data: ${JSON.stringify({ message: refusal.message })}\n\n`,
}

export const bedrock = defineProvider(
  'bedrock',
  ['bedrock-runtime.*.amazonaws.com', 'bedrock-runtime-fips.*.amazonaws.com', 'bedrock-agent-runtime.*.amazonaws.com'],
  [bedrockDialect, openaiDialect],
)

function operationOf(path: string): Operation | undefined {
  if (/\/model\/[^/]+\/converse(?:-stream)?$/.test(path)) return 'converse'
  return /\/model\/[^/]+\/invoke(?:-with-response-stream)?$/.test(path) ? 'invoke' : undefined
}

/** On a stream the names of exceptions begin in lower case, and those that a stream does not know are failures of the model. */
function exceptionMessage(refusal: Refusal): Uint8Array {
  const name = refusal.status < 500 ? 'validationException' : 'internalServerException'
  const headers = { ':message-type': 'exception', ':exception-type': name, ':content-type': 'application/json' }
  return writeMessage(headers, Buffer.from(JSON.stringify({ message: refusal.message })))
}

function exceptionOf({ status }: Refusal): string {
  return exceptions[status] ?? (status >= 500 ? 'InternalServerException' : 'ValidationException')
}

const exceptions: Readonly<Record<number, string>> = {
  401: 'AccessDeniedException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
}
