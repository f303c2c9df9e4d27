import { anthropic, anthropicDialect } from './anthropic.ts'
import { bedrock } from './bedrock.ts'
import { cohere } from './cohere.ts'
import { defineProvider } from './define.ts'
import { gemini, geminiDialect, vertex } from './gemini.ts'
import { generic, genericDialect } from './generic.ts'
import { ollama } from './ollama.ts'
import { openai, openaiDialect } from './openai.ts'
import { openaiShapedProviders } from './openai-shaped.ts'
import type { Provider } from './provider.ts'

/** Every provider that is known by its hosts; the first whose host fits is meant. */
export const providers: readonly Provider[] = [
  openai,
  anthropic,
  gemini,
  vertex,
  bedrock,
  cohere,
  ...openaiShapedProviders,
  ollama,
  defineProvider('replicate', ['api.replicate.com'], [genericDialect]),
]

/** On hosts that nobody knows: what the path says, in this order. */
export const compatible: readonly Provider[] = [
  defineProvider('openai-compatible', [], [openaiDialect]),
  defineProvider('anthropic-compatible', [], [anthropicDialect]),
  defineProvider('gemini-compatible', [], [geminiDialect]),
]

export { generic }
