import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstSteps } from '../../src/app/hints.ts'
import { caPaths } from '../../src/tls/ca.ts'
import { configIn } from '../support/app.ts'
import { tempFolder } from '../support/temp.ts'

const addresses = { proxy: '127.0.0.1:3128', console: '127.0.0.1:3000' }

test('the first steps name the addresses, the CA, and variables that can be pasted', () => {
  const config = configIn()
  const { certificatePath, bundlePath } = caPaths(config.ca.dir)
  const text = firstSteps({ config, ...addresses, created: true }).join('\n')
  for (const words of [
    'Sallyport listens on 127.0.0.1:3128. A new CA was made: ',
    'HTTPS_PROXY=http://127.0.0.1:3128 HTTP_PROXY=http://127.0.0.1:3128',
    `NODE_EXTRA_CA_CERTS=${certificatePath}`,
    `SSL_CERT_FILE=${bundlePath}`,
    config.policies.dir,
    'http://127.0.0.1:3000/readyz',
  ])
    assert.ok(text.includes(words), words)
  assert.doesNotMatch(text, /NAME:KEY/)
})

test('a CA that was there already is not called new', () => {
  const [first] = firstSteps({ config: configIn(), ...addresses, created: false })
  assert.match(first ?? '', /^Sallyport listens on 127\.0\.0\.1:3128\. Its CA: /)
})

test('where the proxy wants credentials the variables have a place for them, and it is said how to get them', () => {
  const config = configIn(tempFolder('app'), { proxy: { auth: 'basic' } })
  const text = firstSteps({ config, ...addresses, created: false }).join('\n')
  assert.ok(text.includes('HTTPS_PROXY=http://NAME:KEY@127.0.0.1:3128'))
  assert.ok(text.includes('sallyport key create --name NAME'))
})

test('doors on every address are reached by loopback', () => {
  for (const every of ['0.0.0.0', '[::]']) {
    const at = { proxy: `${every}:3128`, console: `${every}:3000` }
    const text = firstSteps({ config: configIn(), ...at, created: false }).join('\n')
    assert.ok(text.startsWith(`Sallyport listens on ${every}:3128.`))
    assert.ok(text.includes('HTTPS_PROXY=http://127.0.0.1:3128 '))
    assert.ok(text.includes('http://127.0.0.1:3000/readyz'))
  }
})

test('paths under the working folder are short', () => {
  const config = configIn()
  const here = { ...config, policies: { dir: `${process.cwd()}/policies` } }
  assert.match(firstSteps({ config: here, ...addresses, created: false }).at(-1) ?? '', / policies: policies /)
})
