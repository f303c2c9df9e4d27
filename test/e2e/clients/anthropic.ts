import Anthropic from '@anthropic-ai/sdk'

const [prompt = ''] = process.argv.slice(2)
const client = new Anthropic({ apiKey: 'none', maxRetries: 0 })
const ask = { model: 'claude-sonnet-5-5', max_tokens: 200, messages: [{ role: 'user' as const, content: prompt }] }
const tool = { name: 'save', input_schema: { type: 'object' as const, properties: { text: { type: 'string' } } } }

const whole = await client.messages.create(ask)
const stream = await client.messages.stream(ask).finalText()
const called = await client.messages.stream({ ...ask, tools: [tool] }).finalMessage()
const counted = await client.messages.countTokens({ model: ask.model, messages: ask.messages })
const [text] = whole.content
const [use] = called.content

console.log(
  JSON.stringify({
    whole: text?.type === 'text' ? text.text : undefined,
    stream,
    toolStream: use?.type === 'tool_use' ? (use.input as { text: string }).text : undefined,
    counted: counted.input_tokens,
  }),
)
