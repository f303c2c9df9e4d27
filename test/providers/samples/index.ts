import { messages } from './anthropic.ts'
import { cohere } from './cohere.ts'
import { generate, generateArray } from './gemini.ts'
import { chat, responses } from './openai.ts'
import { converse, invoke } from './bedrock.ts'
import { ollama, unknown } from './other.ts'

export const samples = {
  chat,
  responses,
  messages,
  generate,
  generateArray,
  ollama,
  cohere,
  converse,
  invoke,
  unknown,
} as const
