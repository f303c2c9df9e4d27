import { createHash } from 'node:crypto'

/** Addresses of crypto wallets. */
export const wallets = { base58check, bech32 } as const satisfies Record<string, (value: string) => boolean>

function base58check(value: string): boolean {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let number = 0n
  for (const char of value) number = number * 58n + BigInt(alphabet.indexOf(char))
  const bytes = Buffer.from(number.toString(16).padStart(50, '0'), 'hex')
  if (bytes.length !== 25) return false
  return sha256(sha256(bytes.subarray(0, 21)))
    .subarray(0, 4)
    .equals(bytes.subarray(21))
}

/** BIP 173 and BIP 350. */
function bech32(value: string): boolean {
  const text = value.toLowerCase()
  const split = text.lastIndexOf('1')
  const human = text
    .slice(0, split)
    .split('')
    .map((char) => char.charCodeAt(0))
  const data = text
    .slice(split + 1)
    .split('')
    .map((char) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(char))
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let check = 1
  for (const five of [...human.map((code) => code >> 5), 0, ...human.map((code) => code & 31), ...data]) {
    const top = check >>> 25
    check = ((check & 0x1ffffff) << 5) ^ five
    for (const [bit, generator] of generators.entries()) if ((top >> bit) & 1) check ^= generator
  }
  return check === 1 || check === 0x2bc830a3
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
