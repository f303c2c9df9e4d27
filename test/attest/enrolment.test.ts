import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import {
  enrolmentCodeFrom,
  enrolmentRequest,
  isProved,
  newEnrolmentCode,
  readEnrolment,
} from '../../src/attest/enrolment.ts'
import { newDeviceKey, privateKeyFrom, publicKeyOf } from '../../src/attest/keys.ts'

function asked(device = 'laptop-7') {
  const { code, publicKey: codeKey } = newEnrolmentCode(device)
  const read = enrolmentCodeFrom(code)
  assert.ok(read !== undefined)
  const key = newDeviceKey()
  const text = enrolmentRequest(read, privateKeyFrom(key.privatePem))
  return { code, codeKey, key, text, members: JSON.parse(text) as Record<string, string> }
}

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

test('a code is its device, a dot and 256 bits; each is another', () => {
  const codes = Array.from({ length: 5 }, () => newEnrolmentCode('a.b-c').code)
  for (const code of codes) assert.match(code, /^a\.b-c\.[A-Za-z0-9_-]{43}$/)
  assert.equal(new Set(codes).size, 5)
})

test('a code read back has its device and its key; white space around it is no matter', () => {
  const { code, publicKey } = newEnrolmentCode('a.b-c')
  const read = enrolmentCodeFrom(`\n ${code}\r\n`)
  assert.ok(read !== undefined)
  assert.deepEqual([read.device, publicKeyOf(read.key)], ['a.b-c', publicKey])
})

test('a code that is cut or changed in form is none', () => {
  const { code } = newEnrolmentCode('laptop-7')
  for (let end = 0; end < code.length; end++) assert.equal(enrolmentCodeFrom(code.slice(0, end)), undefined)
  for (const text of [`${code}A`, `${code}=`, `.${code}`, `/${code}`, code.replace('.', ' ')])
    assert.equal(enrolmentCodeFrom(text), undefined, text)
})

test('another implementation finds that both signatures fit', () => {
  const { members, codeKey, key } = asked()
  const lines = ['Sallyport enrolment v1', 'laptop-7', codeKey.toString('base64url'), members['publicKey'], '']
  const signed = Buffer.from(lines.join('\n'))
  const by = (name: string) => new Uint8Array(Buffer.from(members[name] ?? '', 'base64url'))
  assert.ok(nacl.sign.detached.verify(signed, by('codeSignature'), new Uint8Array(codeKey)))
  assert.ok(nacl.sign.detached.verify(signed, by('deviceSignature'), new Uint8Array(key.publicKey)))
})

test('who has the code and the key has proved it', async () => {
  const { text, codeKey, key } = asked()
  const read = readEnrolment(Buffer.from(text))
  assert.ok(read !== undefined)
  assert.deepEqual([read.device, read.publicKey], ['laptop-7', key.publicKey])
  assert.equal(await isProved(read, codeKey), true)
})

test('the code is not in what is sent', () => {
  const { text, code } = asked()
  assert.ok(!text.includes(code.slice(code.lastIndexOf('.') + 1)))
})

const others: [what: string, change: (members: Record<string, string>) => Record<string, string>][] = [
  ['another device', (members) => ({ ...members, device: 'laptop-8' })],
  ['another key', (members) => ({ ...members, publicKey: newDeviceKey().publicKey.toString('base64url') })],
  ['the proof of another code', (members) => ({ ...members, codeSignature: asked().members['codeSignature'] ?? '' })],
  [
    'the proof of another key',
    (members) => ({ ...members, deviceSignature: asked().members['deviceSignature'] ?? '' }),
  ],
  ['one proof for both', (members) => ({ ...members, deviceSignature: members['codeSignature'] ?? '' })],
]

for (const [what, change] of others) {
  test(`${what} is not proved`, async () => {
    const { members, codeKey } = asked()
    const read = readEnrolment(bytes(change(members)))
    assert.ok(read !== undefined)
    assert.equal(await isProved(read, codeKey), false)
  })
}

test('a proof for one code is none for another code of the same device', async () => {
  const read = readEnrolment(Buffer.from(asked().text))
  assert.ok(read !== undefined)
  assert.equal(await isProved(read, newEnrolmentCode('laptop-7').publicKey), false)
})

test('no bit of a request can be changed', async () => {
  const { text, codeKey } = asked()
  const whole = Buffer.from(text)
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
    const read = readEnrolment(changed)
    assert.ok(read === undefined || !(await isProved(read, codeKey)), `byte ${at}`)
  }
})

test('a request that is cut is none', () => {
  const whole = Buffer.from(asked().text)
  for (let end = 0; end < whole.length; end++) assert.equal(readEnrolment(whole.subarray(0, end)), undefined)
})

const malformed: [what: string, change: (members: Record<string, string>) => unknown][] = [
  ['a list', () => []],
  ['null', () => null],
  ['a member too many', (members) => ({ ...members, code: 'x' })],
  ['a member too few', (members) => ({ ...members, device: undefined })],
  ['a device that is no text', (members) => ({ ...members, device: 7 })],
  ['a device with a slash', (members) => ({ ...members, device: 'a/b' })],
  ['a key of 31 bytes', (members) => ({ ...members, publicKey: Buffer.alloc(31).toString('base64url') })],
  ['padding', (members) => ({ ...members, publicKey: `${members['publicKey']}=` })],
  ['a signature of 63 bytes', (members) => ({ ...members, codeSignature: Buffer.alloc(63).toString('base64url') })],
]

for (const [what, change] of malformed) {
  test(`${what} is no request`, () => assert.equal(readEnrolment(bytes(change(asked().members))), undefined))
}

test('a member that stands twice is no request', () => {
  const { text } = asked()
  assert.equal(readEnrolment(Buffer.from(text.replace('{', '{"device":"laptop-7",'))), undefined)
})

test('whatever comes, reading it does not throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (any) => void readEnrolment(any)))
  fc.assert(fc.property(fc.json(), (any) => assert.equal(readEnrolment(Buffer.from(any)), undefined)))
  fc.assert(fc.property(fc.string(), (any) => assert.equal(enrolmentCodeFrom(any), undefined)))
})
