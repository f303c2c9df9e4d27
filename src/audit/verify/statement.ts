import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import type { CheckpointLine, Removed } from './source.ts'

/** What a checkpoint states, signed. Hashes are in hex. */
export type Statement = {
  readonly sallyport: 'checkpoint'
  readonly version: 1
  /** The link of block 0: which ledger it is. */
  readonly ledger: string
  readonly number: number
  readonly at: string
  readonly reason: 'interval' | 'shutdown' | 'demand' | 'retention'
  /** The last block it covers, and its link. */
  readonly block: number
  readonly link: string
  /** Of all blocks so far, also those that were removed. */
  readonly entries: number
  /** SHA-256 of the statement before; null in the first. */
  readonly previous: string | null
  readonly removed: Removed | null
  /** The public key: base64url of its 32 bytes. */
  readonly key: string
}

/** The statement of a checkpoint; undefined for a text that is none, or one that the columns beside it contradict. */
export function statementOf(line: CheckpointLine): Statement | undefined {
  const said = parsed(line.statement)
  if (said === undefined || said['sallyport'] !== 'checkpoint' || said['version'] !== 1) return undefined
  if (!isStatement(said)) return undefined
  const { number, at, reason, block } = said
  return number === line.number && at === line.at && reason === line.reason && block === line.block ? said : undefined
}

/** A row of `checkpoints` as it comes in a file: a JSON object with `statement` and `signature` (base64 or base64url). */
export function checkpointLine(text: string): CheckpointLine | undefined {
  const said = parsed(text)
  const { statement, signature } = said ?? {}
  if (typeof statement !== 'string' || typeof signature !== 'string') return undefined
  const { number, at, reason, block } = parsed(statement) ?? {}
  if (typeof number !== 'number' || typeof at !== 'string') return undefined
  if (typeof reason !== 'string' || typeof block !== 'number') return undefined
  return { number, at, reason, block, statement, signature: Buffer.from(signature, 'base64url') }
}

/** The lines of a file of checkpoints, or of one that a sink wrote, with other rows between; throws for what is neither. */
export function checkpointLines(text: string): CheckpointLine[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.flatMap((line, i) => {
    const checkpoint = checkpointLine(line)
    if (checkpoint !== undefined) return [checkpoint]
    if (otherTables.includes(String(parsed(line)?.['table']))) return []
    throw new SyntaxError(`line ${i + 1} is not a checkpoint`)
  })
}

/** Whether the key, 32 bytes as base64url, signed the statement. */
export function isSigned({ statement, signature }: CheckpointLine, key: string): boolean {
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: key }
    return verifySignature(
      null,
      Buffer.from(statement, 'utf8'),
      createPublicKey({ key: jwk, format: 'jwk' }),
      signature,
    )
  } catch {
    return false
  }
}

/** The Ed25519 keys of a PEM file with one or more, each as base64url of its 32 bytes. Throws for what is none. */
export function publicKeys(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? []
  const keys = blocks.map((block) => {
    const { kty, crv, x } = createPublicKey(block).export({ format: 'jwk' })
    if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined) throw new TypeError('not an Ed25519 public key')
    return x
  })
  if (keys.length === 0) throw new TypeError('there is no public key in it')
  return keys
}

/** How people compare keys: SHA-256 of the 32 bytes, in hex. */
export const fingerprintOf = (key: string): string =>
  `sha256:${createHash('sha256').update(Buffer.from(key, 'base64url')).digest('hex')}`

export const sha256Hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Not JSON.
  }
  return undefined
}

function isStatement(said: Readonly<Record<string, unknown>>): said is Readonly<Record<string, unknown>> & Statement {
  return (
    ['number', 'block', 'entries'].every((name) => Number.isSafeInteger(said[name])) &&
    ['at', 'reason', 'key'].every((name) => typeof said[name] === 'string') &&
    isHash(said['ledger']) &&
    isHash(said['link']) &&
    (said['previous'] === null || isHash(said['previous'])) &&
    (said['removed'] === null || isRemoved(said['removed']))
  )
}

function isRemoved(value: unknown): value is Removed {
  if (typeof value !== 'object' || value === null) return false
  const removed: Readonly<Record<string, unknown>> = { ...value }
  return isHash(removed['link']) && removedCounts.every((name) => Number.isSafeInteger(removed[name]))
}

const isHash = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const removedCounts = ['toBlock', 'entries', 'exchanges', 'connections', 'events']
const otherTables = ['exchanges', 'connections', 'events']
