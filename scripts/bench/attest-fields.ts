import { randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { newDeviceKey, privateKeyFrom } from '../../src/attest/keys.ts'
import { newJti, signToken } from '../../src/attest/sign.ts'
import { nexusOf } from '../../test/support/attestation.ts'

/** Who attests, and to whom. */
export type Signing = { readonly privatePem: string; readonly device: string; readonly audience: string }

/** The header fields of one CONNECT, as they stand there. */
export type Fields = string

/** Attestations that are good, each once. */
export function goodFields(signing: Signing, authority: string, count: number): Fields[] {
  const key = privateKeyFrom(signing.privatePem)
  return Array.from({ length: count }, () => jws(tokenOf(signing, key, authority)))
}

/** Garbage of every kind and of both forms, by turns. What is signed by the device has been used before, is late, or is for somebody else. */
export function badFields(signing: Signing, authority: string, count: number): Fields[] {
  const key = privateKeyFrom(signing.privatePem)
  const stranger = privateKeyFrom(newDeviceKey().privatePem)
  const good = tokenOf(signing, key, authority)
  const { device } = signing
  const late = { iat: seconds() - 600, exp: seconds() - 500 }
  const kinds: readonly (() => Fields)[] = [
    () => jws(randomBytes(300).toString('base64url')),
    () => jws(`${randomBytes(40).toString('base64url')}.${text(200)}.${text(64)}`),
    () => jws(text(6_000)),
    () => jws(good),
    () => jws(good) + jws(good),
    () => jws(tokenOf(signing, stranger, authority)),
    () => jws(`${good.slice(0, good.lastIndexOf('.') + 1)}${text(63)}A`),
    () => jws(tokenOf({ ...signing, device: text(12).replaceAll(/[-_]/g, 'x') }, stranger, authority)),
    () => jws(tokenOf(signing, key, authority, late)),
    () => jws(tokenOf({ ...signing, audience: 'elsewhere' }, key, authority)),
    () => jws(tokenOf(signing, key, 'elsewhere.example:443')),
    () => nexus(text(200)),
    () => nexus(nexusOf(stranger, { ts: seconds(), device })),
    () => nexus(nexusOf(stranger, { ts: seconds(), device: 'nobody' })),
    () => nexus(nexusOf(key, { ts: seconds() - 6_000, device })),
    () => nexus(nexusOf(key, { ts: seconds(), device })) + jws(good),
  ]
  return Array.from({ length: count }, (_, i) => kinds[i % kinds.length]?.() ?? '')
}

function tokenOf({ device, audience }: Signing, key: KeyObject, authority: string, over: object = {}): string {
  const iat = seconds()
  const time = { iat, exp: iat + 110 }
  const claims = { iss: device, aud: audience, ...time, jti: newJti(), authority, policy: 'a'.repeat(64), ver: '1.0.0' }
  return signToken({ claims: { ...claims, ...over }, key })
}

const jws = (value: string): Fields => `Sallyport-Attestation: ${value}\r\n`
const nexus = (value: string): Fields => `X-Nexus-Attestation: ${value}\r\n`
const text = (bytes: number): string => randomBytes(bytes).toString('base64url')
const seconds = (): number => Math.floor(Date.now() / 1_000)
