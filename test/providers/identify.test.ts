import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogueHosts, identify } from '../../src/providers/identify.ts'

test('traffic is told by its host, and its operation by the path', () => {
  const cases: [string, string, string][] = [
    ['api.openai.com/v1/chat/completions', 'openai', 'chat'],
    ['eu.api.openai.com/v1/responses', 'openai', 'responses'],
    ['api.openai.com/v1/responses/resp_1', 'openai', 'responses'],
    ['api.openai.com/v1/threads/t/messages', 'openai', 'unknown'],
    ['api.openai.com/v1/completions', 'openai', 'completions'],
    ['api.openai.com/v1/audio/speech', 'openai', 'audio'],
    ['api.openai.com/v1/files/f/content', 'openai', 'files'],
    ['api.openai.com/v1/models', 'openai', 'models'],
    ['api.anthropic.com/v1/messages', 'anthropic', 'messages'],
    ['api.anthropic.com/v1/messages/count_tokens', 'anthropic', 'count_tokens'],
    ['api.anthropic.com/v1/messages/batches', 'anthropic', 'batches'],
    ['generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent', 'gemini', 'generate'],
    ['generativelanguage.googleapis.com/v1beta/models/g:countTokens', 'gemini', 'count_tokens'],
    ['generativelanguage.googleapis.com/v1beta/openai/chat/completions', 'gemini', 'chat'],
    ['generativelanguage.googleapis.com/v1beta/models', 'gemini', 'models'],
    [
      'europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/g:generateContent',
      'vertex',
      'generate',
    ],
    [
      'aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/c@20250101:streamRawPredict',
      'vertex',
      'messages',
    ],
    ['x.openai.azure.com/openai/deployments/d/chat/completions', 'azure', 'chat'],
    ['bedrock-runtime.eu-central-1.amazonaws.com/model/m/converse-stream', 'bedrock', 'converse'],
    ['api.groq.com/openai/v1/chat/completions', 'groq', 'chat'],
    ['api.deepseek.com/chat/completions', 'deepseek', 'chat'],
    ['api.deepseek.com/anthropic/v1/messages', 'deepseek', 'messages'],
    ['ollama.com/api/chat', 'ollama', 'chat'],
    ['api.replicate.com/v1/predictions', 'replicate', 'unknown'],
    ['localhost:11434/api/generate', 'ollama', 'completions'],
    ['localhost:1234/v1/chat/completions', 'lm-studio', 'chat'],
    ['10.0.0.7:8000/v1/chat/completions', 'vllm', 'chat'],
    ['llm.corp.example:8443/v1/chat/completions', 'openai-compatible', 'chat'],
    ['llm.corp.example/team/v1/responses', 'openai-compatible', 'responses'],
    ['llm.corp.example/v1/messages', 'anthropic-compatible', 'messages'],
    ['llm.corp.example/v1beta/models/g:generateContent', 'gemini-compatible', 'generate'],
    ['files.corp.example/v1/files', 'generic', 'unknown'],
    ['shop.example/models', 'generic', 'unknown'],
    ['shop.example/', 'generic', 'unknown'],
    ['evil-api.openai.com.example/index', 'generic', 'unknown'],
  ]
  for (const [url, name, operation] of cases) {
    const { hostname, port, pathname } = new URL(`https://${url}`)
    const found = identify(
      { scheme: 'https', host: hostname, port: Number(port || 443), path: pathname, query: '' },
      'POST',
    )
    assert.deepEqual([found.provider.name, found.operation], [name, operation], url)
  }
})

test('the catalogue names the hosts of providers, once each, and no address of the user', () => {
  const hosts = catalogueHosts()
  assert.equal(new Set(hosts).size, hosts.length)
  for (const host of [
    'api.openai.com',
    '*.openai.azure.com',
    'bedrock-runtime.*.amazonaws.com',
    '*-aiplatform.googleapis.com',
  ]) {
    assert.ok(hosts.includes(host), host)
  }
  for (const host of hosts) assert.match(host, /^[a-z0-9*?.-]+\.[a-z]{2,}$/)
})

test('a path that a server may take for a known one is taken for it', () => {
  const paths = [
    '/v1//chat/completions',
    '/V1/Chat/Completions',
    '/v1/chat/completion%73',
    '/v1/chat%2Fcompletions',
    '/v1/chat/completions//',
    '/v1/chat/completions;x',
    '/v1/chat/completions/.',
    '/v1/chat/completions%20',
    '/v1/./chat/completions',
  ]
  for (const path of paths) {
    const { provider, operation } = identify(
      { scheme: 'https', host: 'api.openai.com', port: 443, path, query: '' },
      'POST',
    )
    assert.deepEqual([provider.name, operation], ['openai', 'chat'], path)
  }
})
