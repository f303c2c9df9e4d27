import { createHash } from 'node:crypto'
import { keccak256 } from './keccak.ts'

/** Addresses of crypto wallets. */
export const wallets = { base58check, bech32, ripple, solana, ethereum } as const satisfies Record<
  string,
  (value: string) => boolean
>

/** Version, 20 bytes and four of a double SHA-256: Bitcoin, Litecoin, Dogecoin, Dash, Tron. */
function base58check(value: string): boolean {
  return checkedBytes(base58(value, bitcoinAlphabet, 25))
}

/** The same in the alphabet of the XRP Ledger. */
function ripple(value: string): boolean {
  return checkedBytes(base58(value, 'rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz', 25))
}

/** A public key of Ed25519 in base 58. */
function solana(value: string): boolean {
  const bytes = base58(value, bitcoinAlphabet, 32)
  if (bytes === undefined || (bytes[0] === 0 && bytes[1] === 0)) return false
  return /\d/.test(value) && /[a-z]/.test(value) && /[A-Z]/.test(value)
}

/** EIP-55: in mixed case, which letters are capitals is a checksum. */
function ethereum(value: string): boolean {
  const hex = value.slice(2)
  const lower = hex.toLowerCase()
  if (new Set(lower).size < 6) return false
  if (hex === lower || hex === hex.toUpperCase()) return true
  const hash = keccak256(lower).toString('hex')
  return [...hex].every((char, i) => /\d/.test(char) || Number.parseInt(hash.charAt(i), 16) > 7 === /[A-F]/.test(char))
}

function checkedBytes(bytes: Buffer | undefined): boolean {
  if (bytes === undefined) return false
  const body = bytes.subarray(0, -4)
  return sha256(sha256(body)).subarray(0, 4).equals(bytes.subarray(-4))
}

/** Undefined for what is not `length` bytes long. */
function base58(value: string, alphabet: string, length: number): Buffer | undefined {
  let number = 0n
  for (const char of value) number = number * 58n + BigInt(alphabet.indexOf(char))
  if (number < 0n) return undefined
  const hex = number.toString(16)
  return hex.length > length * 2 ? undefined : Buffer.from(hex.padStart(length * 2, '0'), 'hex')
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

const bitcoinAlphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
