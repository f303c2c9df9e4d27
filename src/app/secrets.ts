import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SallyportError } from '../core/errors.ts'
import { createFileAtomic } from '../lib/atomic-file.ts'

/** The key that placeholders are derived from: 32 bytes in the data folder, one for all processes and for ever, or placeholders would change. */
export function placeholderKey(dataDir: string): Promise<Buffer> {
  return secretFile(dataDir, 'placeholder.key', () => randomBytes(32))
}

/** What a Sallyport is called among proxies, so that a way that leads back to it is known: the same in all processes of a data folder. */
export function hopId(placeholders: Uint8Array): string {
  return createHmac('sha256', placeholders).update('id among proxies').digest('hex').slice(0, 16)
}

/** The key under which secrets of virtual keys are stored as HMACs: another one would make all of them unknown. */
export function keysHmac(dataDir: string): Promise<Buffer> {
  return secretFile(dataDir, 'keys.hmac', () => randomBytes(32))
}

/** The console's token when the configuration names none: made once, in the data folder. `made` hears of that. */
export async function consoleToken(dataDir: string, made: () => void = () => {}): Promise<string> {
  const make = (): Buffer => {
    made()
    return Buffer.from(randomBytes(32).toString('base64url'))
  }
  return (await secretFile(dataDir, 'console.token', make)).toString('utf8').trim()
}

/**
 * Reads a secret of the data folder, or makes it, 0600; of processes that do so at once all get the same. One that is too short to be
 * a secret is refused, and stays: another in its place would change placeholders and make keys unknown.
 */
async function secretFile(dataDir: string, name: string, make: () => Buffer): Promise<Buffer> {
  const path = join(dataDir, name)
  const secret = await readOrMade(dataDir, path, make).catch((cause: NodeJS.ErrnoException) => {
    if (typeof cause.code !== 'string' || cause.syscall === undefined) throw cause
    throw new SallyportError('config_invalid', `data.dir: ${path} cannot be read or made: ${cause.code}`, {
      cause,
      hint: 'Look at room, owner and mode of the folder, and whether its disk may be written.',
    })
  })
  if (secret.toString('latin1').trim().length >= MIN_BYTES) return secret
  throw new SallyportError('config_invalid', `${path} is damaged: it is too short to be a secret`, {
    hint: 'Put it back from a backup, or remove it: then a new one is made.',
  })
}

async function readOrMade(dir: string, path: string, make: () => Buffer): Promise<Buffer> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  return (await readIfThere(path)) ?? made(path, make())
}

async function made(path: string, secret: Buffer): Promise<Buffer> {
  await createFileAtomic(path, secret, 0o600)
  return readFile(path)
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}

const MIN_BYTES = 16
