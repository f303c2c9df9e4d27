import OpenAI from 'openai'

const [prompt = ''] = process.argv.slice(2)
const client = new OpenAI({ apiKey: 'none', maxRetries: 0 })
const ask = { model: 'gpt-5.1', messages: [{ role: 'user' as const, content: prompt }] }
const tool = {
  type: 'function' as const,
  function: { name: 'save', parameters: { type: 'object', properties: { text: { type: 'string' } } } },
}

const chat = await client.chat.completions.create(ask)
const chatStream = await client.chat.completions
  .stream({ ...ask, stream_options: { include_usage: true } })
  .finalChatCompletion()
const toolStream = await client.chat.completions.stream({ ...ask, tools: [tool] }).finalChatCompletion()
const call = toolStream.choices[0]?.message.tool_calls?.[0]
const responses = await client.responses.create({ model: 'gpt-5.1', input: prompt })
const responsesStream = await client.responses.stream({ model: 'gpt-5.1', input: prompt }).finalResponse()

console.log(
  JSON.stringify({
    chat: chat.choices[0]?.message.content,
    chatStream: chatStream.choices[0]?.message.content,
    toolStream: call?.type === 'function' ? (JSON.parse(call.function.arguments) as { text: string }).text : undefined,
    responses: responses.output_text,
    responsesStream: responsesStream.output_text,
  }),
)
