import { hash } from 'node:crypto'
import type { ConnectionRow, ExchangeDone, ExchangeOpen } from '../../src/audit/rows.ts'
import { newExchangeId, uuidv7 } from '../../src/core/ids.ts'

/** An exchange as it begins, with what the test cares about laid over. */
export function openRow(over: Partial<ExchangeOpen> = {}): ExchangeOpen {
  const { requestBody } = over
  const at = new Date(over.at ?? Date.now())
  return {
    id: newExchangeId(at.getTime()),
    at: at.toISOString(),
    door: 'proxy',
    clientIp: '127.0.0.1',
    principal: 'ada',
    process: null,
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/chat/completions',
    httpVersion: '1.1',
    provider: 'openai',
    operation: 'chat',
    model: 'gpt-5.1',
    stream: false,
    policy: 'd'.repeat(64),
    connectionId: null,
    traceId: null,
    ...(requestBody ? { requestSha256: hash('sha256', requestBody) } : {}),
    ...over,
  }
}

/** How the exchange of `id` ended. */
export function doneRow(id: string, over: Partial<ExchangeDone> = {}): ExchangeDone {
  const { requestBody = '{"prompt":"ping"}', responseBody = '{"answer":"pong!"}' } = over
  return {
    id,
    upstreamHttpVersion: '2',
    status: 200,
    decision: 'allow',
    rule: null,
    findings: '[]',
    hooks: '[]',
    requestBytes: 17,
    responseBytes: 18,
    firstByteMs: 12.5,
    durationMs: 30.25,
    addedMs: 0.7,
    inputTokens: 5,
    cachedTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 7,
    reasoningTokens: 0,
    costUsd: 0.25,
    finishReason: 'stop',
    upstreamId: 'chatcmpl-1',
    cache: null,
    tools: null,
    requestBody,
    responseBody,
    requestSpill: null,
    responseSpill: null,
    requestSha256: requestBody === null ? null : hash('sha256', requestBody),
    responseSha256: responseBody === null ? null : hash('sha256', responseBody),
    state: 'done',
    error: null,
    ...over,
  }
}

export function connectionRow(over: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    id: uuidv7(Date.now()),
    at: new Date().toISOString(),
    clientIp: '127.0.0.1',
    principal: null,
    host: 'bank.example',
    port: 443,
    sni: 'bank.example',
    alpn: 'h2',
    handling: 'tunnel',
    reason: 'staff privacy',
    bytesUp: 100,
    bytesDown: 5_000_000_000,
    durationMs: 10.5,
    error: null,
    ...over,
  }
}
