import { anthropicDialect } from './anthropic.ts'
import { defineProvider } from './define.ts'
import { openaiDialect } from './openai.ts'
import type { Provider } from './provider.ts'

/** A vendor that speaks the OpenAI dialect, and often Anthropic's beside it. */
export type OpenAiShaped = {
  readonly name: string
  /** Base URLs as the vendor documents them for OpenAI clients: what stands before `/chat/completions`. */
  readonly bases: readonly string[]
  /** Host globs beside those of the bases. */
  readonly hosts?: readonly string[]
  /** The port it listens on where it runs on the user's own machine, on any host. */
  readonly port?: number
}

export const openaiShaped: readonly OpenAiShaped[] = [
  {
    name: 'azure',
    bases: [],
    hosts: [
      '*.openai.azure.com',
      '*.openai.azure.us',
      '*.cognitiveservices.azure.com',
      '*.services.ai.azure.com',
      '*.models.ai.azure.com',
    ],
  },
  { name: 'mistral', bases: ['https://api.mistral.ai/v1', 'https://codestral.mistral.ai/v1'] },
  { name: 'deepseek', bases: ['https://api.deepseek.com', 'https://api.deepseek.com/v1'] },
  { name: 'xai', bases: ['https://api.x.ai/v1'], hosts: ['*.api.x.ai'] },
  { name: 'groq', bases: ['https://api.groq.com/openai/v1'] },
  { name: 'together', bases: ['https://api.together.xyz/v1', 'https://api.together.ai/v1'] },
  { name: 'fireworks', bases: ['https://api.fireworks.ai/inference/v1'] },
  { name: 'perplexity', bases: ['https://api.perplexity.ai'] },
  { name: 'moonshot', bases: ['https://api.moonshot.ai/v1', 'https://api.moonshot.cn/v1'] },
  { name: 'openrouter', bases: ['https://openrouter.ai/api/v1'] },
  {
    name: 'huggingface',
    bases: ['https://router.huggingface.co/v1'],
    hosts: ['api-inference.huggingface.co', '*.endpoints.huggingface.cloud'],
  },
  { name: 'minimax', bases: ['https://api.minimax.io/v1', 'https://api.minimaxi.com/v1'], hosts: ['api.minimax.chat'] },
  {
    name: 'glm',
    bases: [
      'https://open.bigmodel.cn/api/paas/v4',
      'https://api.z.ai/api/paas/v4',
      'https://api.z.ai/api/coding/paas/v4',
    ],
  },
  { name: 'nvidia', bases: ['https://integrate.api.nvidia.com/v1'], hosts: ['ai.api.nvidia.com'] },
  { name: 'sambanova', bases: ['https://api.sambanova.ai/v1'] },
  { name: 'cerebras', bases: ['https://api.cerebras.ai/v1'] },
  { name: 'deepinfra', bases: ['https://api.deepinfra.com/v1/openai'] },
  { name: 'github-models', bases: ['https://models.github.ai/inference', 'https://models.inference.ai.azure.com'] },
  {
    name: 'github-copilot',
    bases: ['https://api.githubcopilot.com'],
    hosts: ['api.*.githubcopilot.com', 'proxy.*.githubcopilot.com'],
  },
  { name: 'voyage', bases: ['https://api.voyageai.com/v1'] },
  {
    name: 'qwen',
    bases: [
      'https://dashscope.aliyuncs.com/compatible-mode/v1',
      'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    ],
    hosts: ['dashscope-us.aliyuncs.com'],
  },
  { name: 'siliconflow', bases: ['https://api.siliconflow.cn/v1', 'https://api.siliconflow.com/v1'] },
  { name: 'novita', bases: ['https://api.novita.ai/v3/openai', 'https://api.novita.ai/openai/v1'] },
  { name: 'nebius', bases: ['https://api.tokenfactory.nebius.com/v1', 'https://api.studio.nebius.com/v1'] },
  { name: 'hyperbolic', bases: ['https://api.hyperbolic.xyz/v1'] },
  { name: 'baseten', bases: ['https://inference.baseten.co/v1'] },
  { name: 'vercel', bases: ['https://ai-gateway.vercel.sh/v1'] },
  { name: 'lm-studio', bases: [], port: 1234 },
  { name: 'vllm', bases: [], port: 8000 },
]

export const openaiShapedProviders: readonly Provider[] = openaiShaped.map(({ name, bases, hosts = [] }) => {
  const own = bases.map((base) => new URL(base).host)
  return defineProvider(name, [...new Set([...own, ...hosts])], [openaiDialect, anthropicDialect])
})

/** Names by port, for hosts that the catalogue does not know. */
export const localPorts: ReadonlyMap<number, string> = new Map(
  openaiShaped.flatMap(({ name, port }) => (port === undefined ? [] : [[port, name] as const])),
)
