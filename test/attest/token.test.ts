import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { areClaims, parseToken } from '../../src/attest/token.ts'
import { claimsOf, deviceKey, jwsOf, tokenOf } from '../support/attestation.ts'

const { key } = deviceKey()
const header = JSON.stringify({ alg: 'EdDSA', kid: 'laptop-7' })
const payload = JSON.stringify(claimsOf({ jti: 'AAAAAAAAAAAAAAAAAAAAAA' }))
const signed = (head: object, claims: object): string => jwsOf(key, JSON.stringify(head), JSON.stringify(claims))

test('a token is read as it was signed', () => {
  const text = tokenOf(key, { jti: 'AAAAAAAAAAAAAAAAAAAAAA' })
  const token = parseToken(text)
  assert.deepEqual(token?.claims, claimsOf({ jti: 'AAAAAAAAAAAAAAAAAAAAAA' }))
  assert.equal(token?.notBefore, 0)
  const [head, claims, signature] = text.split('.')
  assert.equal(token?.signed.toString(), `${head}.${claims}`)
  assert.equal(token?.signature.toString('base64url'), signature)
})

test('cut at any byte, or with a byte more, it is no token', () => {
  const text = tokenOf(key)
  for (let end = 0; end < text.length; end++) assert.equal(parseToken(text.slice(0, end)), undefined, `end ${end}`)
  for (let start = 1; start <= text.length; start++)
    assert.equal(parseToken(text.slice(start)), undefined, `start ${start}`)
  for (const more of ['A', '=', '.', '.A', ' ', '\n', ',', '\0']) {
    assert.equal(parseToken(text + more), undefined, JSON.stringify(more))
    assert.equal(parseToken(more + text), undefined, JSON.stringify(more))
  }
})

test('claims that are left out, of another type or out of bounds make it no token', () => {
  const claims = claimsOf()
  for (const name of Object.keys(claims)) {
    const { [name]: _, ...others } = claims as unknown as Record<string, unknown>
    assert.equal(parseToken(signed({ alg: 'EdDSA', kid: 'laptop-7' }, others)), undefined, `without ${name}`)
    for (const value of [
      null,
      true,
      [],
      {},
      '',
      1.5,
      -1,
      1e300,
      [claims[name as keyof typeof claims]],
      'ä ö',
      'x'.repeat(300),
    ]) {
      const wrong = { ...claims, [name]: value }
      if (name === 'aud' || name === 'authority') if (value === 'ä ö') continue
      assert.equal(
        parseToken(signed({ alg: 'EdDSA', kid: wrong.iss }, wrong)),
        undefined,
        `${name} ${JSON.stringify(value)}`,
      )
    }
  }
})

const spoilt: Record<string, Record<string, unknown>> = {
  'a life of more than 120 seconds': { exp: claimsOf().iat + 121 },
  'an end before its beginning': { exp: claimsOf().iat - 1 },
  'no life': { exp: claimsOf().iat },
  'a time in quotation marks': { iat: String(claimsOf().iat) },
  'a time with a fraction': { iat: claimsOf().iat + 0.5 },
  'a jti of 15 bytes': { jti: 'AAAAAAAAAAAAAAAAAAAA' },
  'a jti of 17 bytes': { jti: 'AAAAAAAAAAAAAAAAAAAAAAA' },
  'a jti that is not canonical': { jti: 'AAAAAAAAAAAAAAAAAAAAAB' },
  'a jti with padding': { jti: 'AAAAAAAAAAAAAAAAAAAAAA==' },
  'a policy with a space': { policy: 'a b' },
  'a policy with a line break': { policy: `${'a'.repeat(64)}\n` },
  'a version with a line break': { ver: '1.0\n' },
  'a version that is longer than any': { ver: '1'.repeat(129) },
  'an audience that is a list': { aud: ['egress-1'] },
  'another device than its kid': { iss: 'laptop-8' },
  'a nbf that is no time': { nbf: '0' },
}
for (const [what, changes] of Object.entries(spoilt)) {
  test(`with ${what} it is no token`, () => {
    assert.equal(parseToken(signed({ alg: 'EdDSA', kid: 'laptop-7' }, { ...claimsOf(), ...changes })), undefined)
  })
}

test('the longest life and a nbf are taken, and claims and fields that nobody knows are ignored', () => {
  const iat = claimsOf().iat
  const token = parseToken(
    signed(
      { typ: 'JWT', x: { y: 1 }, alg: 'EdDSA', kid: 'laptop-7' },
      { ...claimsOf({ exp: iat + 120 }), nbf: iat + 5, extra: [1] },
    ),
  )
  assert.equal(token?.notBefore, iat + 5)
  assert.ok(token !== undefined && !('extra' in token.claims))
})

test('a version is a text, whatever program it is of', () => {
  for (const ver of ['1.0.0', 'v2.1', '1.4.0-rc.1+5', 'agent 3.2 (linux)', '1"2', ' ', 'x'.repeat(128)])
    assert.equal(parseToken(signed({ alg: 'EdDSA', kid: 'laptop-7' }, claimsOf({ ver })))?.claims.ver, ver)
})

const heads: Record<string, object> = {
  'no alg': { kid: 'laptop-7' },
  'alg none': { alg: 'none', kid: 'laptop-7' },
  'alg HS256': { alg: 'HS256', kid: 'laptop-7' },
  'alg Ed25519': { alg: 'Ed25519', kid: 'laptop-7' },
  'alg in lower case': { alg: 'eddsa', kid: 'laptop-7' },
  'alg as a list': { alg: ['EdDSA'], kid: 'laptop-7' },
  'no kid': { alg: 'EdDSA' },
  'kid as a number': { alg: 'EdDSA', kid: 7 },
  'another kid': { alg: 'EdDSA', kid: 'laptop-8' },
  'crit of something': { alg: 'EdDSA', kid: 'laptop-7', crit: ['exp'], exp: 1 },
  'crit of nothing': { alg: 'EdDSA', kid: 'laptop-7', crit: [] },
  'crit that is null': { alg: 'EdDSA', kid: 'laptop-7', crit: null },
  'b64 false': { alg: 'EdDSA', kid: 'laptop-7', b64: false },
}
for (const [what, head] of Object.entries(heads)) {
  test(`with ${what} in its header it is no token`, () => assert.equal(parseToken(signed(head, claimsOf())), undefined))
}

const spellings: Record<string, [string | Uint8Array, string | Uint8Array]> = {
  'a claim twice': [header, `${payload.slice(0, -1)},"aud":"egress-1"}`],
  'a claim twice in two spellings': [header, `${payload.slice(0, -1)},"\\u0061ud":"egress-1"}`],
  'a header field twice': [`{"alg":"none",${header.slice(1)}`, payload],
  'a list as header': ['["EdDSA"]', payload],
  'null as claims': [header, 'null'],
  'a string as claims': [header, '"claims"'],
  'a number as claims': [header, '1'],
  'a byte order mark': [header, `\ufeff${payload}`],
  'bytes that are not UTF-8': [header, Buffer.from(payload.replace('egress-1', 'egress-\xff'), 'latin1')],
  'a comma at the end': [header, `${payload.slice(0, -1)},}`],
  'two JSON values': [header, payload + payload],
  'a comment': [header, `${payload}//`],
  nothing: ['', ''],
  'deep nesting': [header, `${payload.slice(0, -1)},"x":${'['.repeat(20)}${']'.repeat(20)}}`],
}
for (const [what, [head, claims]] of Object.entries(spellings)) {
  test(`with ${what} it is no token`, () => assert.equal(parseToken(jwsOf(key, head, claims)), undefined))
}

test('other serializations, paddings and lengths are no token', () => {
  const text = tokenOf(key)
  const [head, claims, signature] = text.split('.') as [string, string, string]
  const json = JSON.stringify({ protected: head, payload: claims, signature })
  const short = Buffer.from(signature, 'base64url').subarray(0, 63).toString('base64url')
  const others = [
    '',
    '..',
    json,
    `${head}.${claims}`,
    `${head}.${claims}.`,
    `${head}..${signature}`,
    `${head}.${claims}.${signature}.${signature}`,
    `${head}.${claims}.${short}`,
    `${head}.${claims}.${signature}==`,
    `Bearer ${text}`,
    `"${text}"`,
    jwsOf(key, header, JSON.stringify({ ...claimsOf(), extra: 'x'.repeat(2_000) })),
  ]
  for (const other of others) assert.equal(parseToken(other), undefined, other.slice(0, 60))
})

test('whatever stands there, reading it never throws', () => {
  const base64url = fc.oneof(
    fc.string(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(base64url, { minLength: 3, maxLength: 3 }).map((parts) => parts.join('.')),
      ),
      (text) => {
        assert.equal(parseToken(text), undefined)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('claims of any shape are judged without throwing', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(claimsOf()), 'nbf'), fc.anything()), (claims) => {
      assert.equal(areClaims(claims), false)
    }),
  )
})
