import { GoogleGenAI } from '@google/genai'

const [prompt = ''] = process.argv.slice(2)
const client = new GoogleGenAI({ apiKey: 'none' })
const ask = { model: 'gemini-2.5-pro', contents: prompt }

const whole = await client.models.generateContent(ask)
let stream = ''
for await (const piece of await client.models.generateContentStream(ask)) stream += piece.text ?? ''
const called = await client.models.generateContent({
  ...ask,
  config: { tools: [{ functionDeclarations: [{ name: 'save' }] }] },
})

console.log(JSON.stringify({ whole: whole.text, stream, tool: called.functionCalls?.[0]?.args?.['text'] }))
