import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNoise, looksAssigned, looksCompared, looksLikePassword } from '../../src/detect/assigned.ts'

type Case = [before: string, value: string, after?: string]

test('credentials behind a name are told from code, prose and identifiers', () => {
  const credentials: Case[] = [
    ['api_key = "', 'q8Zr3mVt0Lx7', '"'],
    ['token: ', '9f31c2aa07b4e6d8'],
    ['secret => "', 'kQzVbTnWmXcRfLpJdHsGyUeA', '"'],
    ['token = ', 'rh83qVzJzCOvCOhriyaTA2VP.LdWOFn1swiWcakqgLrUS3hRh'],
    ['secret = "', 'w{{t}o)p${x]hoax(ring[so', '"'],
    ["buildField('String', 'API_KEY', '", 'q8Zr3mVt0Lx7b2c9', "'"],
    ['APP_KEY=', 'Uint8Array9k'],
    ['globex_key = "', 'q7K2Vb9Nw4M', '"'],
    ['globex_key = ', 'kqzvbtnwmxcrflpjdhsgyuea'],
    ['globexSecret: ', 'KqZvBtNwMxCrFlPj'],
    ['globex_key = "', '6b7c31ca:7b5da89fa571ea72fb9294af', '"'],
    ['GLOBEX_PAT = ', '4f3edf983ac636a65a842ce7'],
    ['globex_key=', 'abcdefghijklmnopqrstuvwxyzABCDEF'],
    ['globexTOKEN=', 'abcdefabcdefabcdefabcdef'],
  ]
  const others: Case[] = [
    ['token: ', 'tokenFromRequest'],
    ['token = ', 'request.token2', '('],
    ['token = ', 'parts', '[1]'],
    ['secret_name = "', 'q8Zr3mVt0Lx7', '"'],
    ['publicKey = "', 'q8Zr3mVt0Lx7', '"'],
    ['tokens: ', '4096'],
    ['token: ', '2024-01-02'],
    ['key = "', '/var/lib/key', '"'],
    ['const withAuth = ', 'findX509Authentication'],
    ['key_code = "', 'KEY_OVER_1024_CHARS', '"'],
    ['integrity_token: "', 'sha512-q8Zr3mVt0Lx7', '"'],
    ['secretKey: ', 'Float64Array'],
    ['sort_key = "', 'user2024name1', '"'],
    ['globex_key = "', 'server-2031b-a1.pem', '"'],
    ['key: "', 'XMLHTTPRequestUpload2', '"'],
    ['key: ', 'arrangementOfEverything'],
    ['token = "', 'a1a1a1a1a1a1', '"'],
    ['credential: ', 'X509Credential'],
    ['key: "', 'Access-Control-Allow-Headers', '"'],
    ['"token_type": "urn:ietf:params:oauth:', 'token-type:saml2', '"'],
    ['token, "', 'x-amz-content-sha256', '"'],
    ['tokens: `', 'token-efficient-tools-2031-04-05', '`'],
    ['AUTH_END = ', 'SOCKS5_CUSTOM_AUTH_END'],
    ['throw KeyError("', 'sdkRoot9v2b7', '"'],
    ['Release GPG key: ', '9B1C04D7259F04124DE6B476D5A82AC7E37093B2'],
    ['pubkey256 = "', 'pL1+qb9HTMRZJmuC/bB/ZI9d302BYrrq', '"'],
    ['badge.svg?token=', 'yZL6LtXkOA', ')'],
    ['keyStr = "', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=', '"'],
    ['t.PRIVATE_TYPES=', 't.PATTERN_TYPES=t.PATTERNS2'],
  ]
  for (const one of credentials) assert.equal(judged(looksAssigned, one), true, one.join(''))
  for (const one of others) assert.equal(judged(looksAssigned, one), false, one.join(''))
})

test('passwords are told from types, calls, labels and their own name', () => {
  const passwords: Case[] = [
    ['password = "', 'treehouse', '"'],
    ['password: ', 'tree7house'],
    ['DB_PASS=', 'k7Vw2pQz9'],
    ['DB_PASSWORD=', 'treehouse'],
    ['set("password", "', 'treehouse', '"'],
    ['setopt(curl, OPT_PROXYUSERPWD, "', 'tree:k7Vw2pQz9', '"'],
    ['login --secret ', 'k7Vw2pQz9'],
    ['smtpPass = "', 'treehouse', '"'],
  ]
  const others: Case[] = [
    ['password: ', 'string'],
    ['password: ', 'treehouse'],
    ['password = ', 'config.password1'],
    ['password = ', 'hash2', '('],
    ['password = "', 'password', '"'],
    ['passwordLabel = "', 'treehouse', '"'],
    ['password: "', 'Enter your new one', '"'],
    ['password = getpass("', 'Password: ', '"'],
    ['password.encode("', 'utf-7x', '"'],
    ['password.encode("', 'utf-8', '"'],
    ["scrypt(password, '", 'salt2', "'"],
    ["t.pass('", 'drained', "'"],
    ["pass.on('", 'data', "'"],
    ["'lambda', 'pass', '", 'raise', "'"],
    ["paths: ['user.password', '", 'user.secret', "'"],
    ['this._passThrough = ', '!!through1'],
    ['TWO_PWR_32 = ', 'TWO_PWR_16'],
    ['challengePassword = "', '1.2.840.113549.1.9.7', '"'],
    ['const warnAppWarning = "', 'FST_CODE', '"'],
    ['password: ', 'Uint16Array'],
    ['STENCIL_PASS_FAIL: ', '0x0B95'],
    ['password=', 'this.#c()'],
    ["user_pass = '", '%s:%s', "'"],
    ['password: "', 'the house', '"'],
  ]
  for (const one of passwords) assert.equal(judged(looksLikePassword, one), true, one.join(''))
  for (const one of others) assert.equal(judged(looksLikePassword, one), false, one.join(''))
})

test('signs of many kinds between letters are noise; expressions, templates and code are not', () => {
  assert.equal(isNoise('w{3}t(o]p$x!hoax-ring~so'), true)
  for (const value of ['^[a-z]{3}(?:x|y)+$', 'f(x)[0]{a}', '%s (%s) [%s] {%s} <%d>', 'tree-7-house'])
    assert.equal(isNoise(value), false, value)
})

test('a value that is compared with a password is one, the name of a kind of it is not', () => {
  const site = (value: string) => ({ text: `"${value}" == password`, start: 1, end: 1 + value.length })
  for (const value of ['k7Vw2pQz9x', 'w{3}t(o]p$x!hoax-ring~so'])
    assert.equal(looksCompared(value, site(value)), true, value)
  for (const value of ['username', '1.2.3', '20']) assert.equal(looksCompared(value, site(value)), false, value)
})

function judged(check: typeof looksAssigned, [before, value, after = '']: Case): boolean {
  return check(value, { text: before + value + after, start: before.length, end: before.length + value.length })
}
