import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHarmless } from '../../src/providers/harmless.ts'

const harmless = (text: string): boolean => isHarmless(`"${text}"`, 1, text.length + 1)

test('names of types and models, ids of vendors, dates and sizes are harmless', () => {
  for (const text of [
    'auto',
    'max_tokens',
    'response.output_text.delta',
    'application/json',
    'gpt-4o-2024-08-06',
    'claude-sonnet-4-5-20250929',
    'us.anthropic.claude-3-5-sonnet-20241022-v2:0',
    'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    'models/gemini-2.5-flash-preview-05-20',
    'toolu_01XFDUDYJgAACzvnptvVoYEL',
    'chatcmpl-9vB2kQz7',
    '0d1c6a8e-1b2c-4d3e-8f90-123456789abc',
    '2026-01-01T00:00:00Z',
    '1024x1024',
    '$.city',
  ])
    assert.ok(harmless(text), text)
})

test('what could be an identifier, a key, an address or a placeholder is not, nor is a sentence', () => {
  for (const text of [
    '123-45-6789',
    '4111111111111111',
    '+41446681800',
    'model-415-555-0132',
    'AKIAQ3EGTSK7DYM4XWZN',
    'abcdefghijklmnopqrstuvwx',
    'ghp_0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r',
    'ann@corp.example',
    'QX_EMAIL_abcdefghijklmn',
    'two words',
    'Zürich',
    'a\\n',
    'x-'.repeat(60),
  ])
    assert.ok(!harmless(text), text)
})
