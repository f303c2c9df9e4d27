import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { applicationVariables } from '../../../src/cli/doctor/variables.ts'
import { configSchema } from '../../../src/config/schema.ts'

const cases: [Record<string, string>, string, 'ok' | 'warn', RegExp][] = [
  [{}, '127.0.0.1:3128', 'ok', /not set/],
  [{ HTTPS_PROXY: '' }, '127.0.0.1:3128', 'ok', /not set/],
  [{ HTTPS_PROXY: 'http://127.0.0.1:3128' }, '127.0.0.1:3128', 'ok', /leads to Sallyport/],
  [{ https_proxy: 'http://user:made-up@localhost:3128/' }, '127.0.0.1:3128', 'ok', /leads to Sallyport/],
  [{ https_proxy: '127.0.0.1:3128' }, '[::1]:3128', 'ok', /leads to Sallyport/],
  [{ https_proxy: 'http://gate.example:3128' }, ':3128', 'ok', /leads to Sallyport/],
  [{ https_proxy: 'http://gate.example:8080' }, ':3128', 'warn', /another proxy/],
  [{ https_proxy: 'http://gate.example:3128' }, '127.0.0.1:3128', 'warn', /another proxy/],
  [{ https_proxy: 'nonsense::' }, '127.0.0.1:3128', 'warn', /another proxy/],
  [{ https_proxy: 'http://127.0.0.1:3128', HTTPS_PROXY: 'http://x.example:1' }, '127.0.0.1:3128', 'ok', /leads/],
]

for (const [env, listen, status, message] of cases) {
  test(`${JSON.stringify(env)} with a proxy on ${listen}: ${status}`, async () => {
    const finding = await findingFor(env, listen)
    assert.equal(finding.status, status)
    assert.match(finding.message, message)
    assert.ok(!JSON.stringify(finding).includes('made-up'))
  })
}

const exceptions: [string, boolean][] = [
  ['localhost,127.0.0.1', false],
  ['*', true],
  ['openai.com', true],
  ['.openai.com', true],
  ['*.openai.com', true],
  ['API.OPENAI.COM:443', true],
  ['notopenai.com, ,', false],
  ['internal googleapis.com', true],
]

for (const [noProxy, past] of exceptions) {
  test(`NO_PROXY=${noProxy} ${past ? 'leads past Sallyport' : 'does no harm'}`, async () => {
    const env = { HTTPS_PROXY: 'http://127.0.0.1:3128', NO_PROXY: noProxy }
    assert.equal((await findingFor(env, '127.0.0.1:3128')).status, past ? 'warn' : 'ok')
  })
}

function findingFor(env: Record<string, string>, listen: string) {
  const io = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env, cwd: '/' }
  return applicationVariables({ config: configSchema.parse({ proxy: { listen } }), io })
}
