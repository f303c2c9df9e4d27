import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleSource } from './bundle.ts'
import { verify } from './core.ts'
import { reportLines } from './report.ts'
import type { Source } from './source.ts'
import { checkpointLines, fingerprintOf, publicKeys } from './statement.ts'

/**
 * The program `verify.mjs` of a bundle: `[DIR] [--public-key FILE] [--checkpoints FILE] [--json]`. Exit status 0: all fits, 1: it does not,
 * 2: wrong usage.
 */
export async function main(argv: readonly string[], here: string, columns: Source['columns']): Promise<number> {
  const flags = flagsOf(argv)
  if (flags === undefined) {
    console.error('usage: node verify.mjs [DIR] [--public-key FILE] [--checkpoints FILE] [--json]')
    return 2
  }
  try {
    const { dir = here, publicKey = join(dir, 'ledger.pub'), checkpoints } = flags
    const keys =
      existsSync(publicKey) || flags.publicKey !== undefined ? publicKeys(readFileSync(publicKey, 'utf8')) : []
    const kept = checkpoints === undefined ? [] : checkpointLines(readFileSync(checkpoints, 'utf8'))
    const found = await verify(bundleSource(dir, columns), { keys, kept, signed: flags.publicKey !== undefined })
    console.log(flags.json ? JSON.stringify(found) : reportLines(found).map(plain).join('\n'))
    if (flags.publicKey === undefined)
      console.error(
        `note: the key came with the bundle: compare ${keys.map(fingerprintOf).join(', ')} with what you know`,
      )
    return found.ok ? 0 : 1
  } catch (cause) {
    console.error(`error: ${cause instanceof Error ? cause.message : 'unknown'}`)
    return 1
  }
}

type Flags = {
  readonly json: boolean
  readonly dir?: string
  readonly publicKey?: string
  readonly checkpoints?: string
}

function flagsOf(argv: readonly string[]): Flags | undefined {
  let flags: Flags = { json: false }
  for (let i = 0; i < argv.length; i += 1) {
    const [word, value] = [argv[i]!, argv[i + 1]]
    if (word === '--json') flags = { ...flags, json: true }
    else if (word === '--public-key' && value !== undefined) flags = { ...flags, publicKey: argv[(i += 1)] }
    else if (word === '--checkpoints' && value !== undefined) flags = { ...flags, checkpoints: argv[(i += 1)] }
    else if (!word.startsWith('-') && flags.dir === undefined) flags = { ...flags, dir: word }
    else return undefined
  }
  return flags
}

// What is in a ledger was written by strangers: no terminal obeys it.
const plain = (text: string): string =>
  text.replace(/[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
