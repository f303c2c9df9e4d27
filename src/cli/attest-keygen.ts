import { resolve } from 'node:path'
import { newDeviceKey, publicKeyText } from '../attest/keys.ts'
import { createFileAtomic } from '../lib/atomic-file.ts'
import { fault } from './attest-flags.ts'
import type { Io } from './command.ts'
import { printJson, printLines } from './output.ts'

export type KeygenFlags = { readonly out: string; readonly json?: boolean }

/** Makes a key that only its owner may read, and prints the public half. */
export async function keygen(flags: KeygenFlags, io: Io): Promise<number> {
  const { privatePem, publicKey } = newDeviceKey()
  const file = resolve(io.cwd, flags.out)
  try {
    if (!(await createFileAtomic(file, privatePem, 0o600)))
      return fault(io, `${flags.out} is there already`, 'choose another name, or move it away')
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
    return fault(
      io,
      `${flags.out} cannot be written: ${code}`,
      'name a file in a folder that is there and that you may write to',
    )
  }
  const text = publicKeyText(publicKey)
  await (flags.json === true ? printJson(io, { file, publicKey: text }) : printLines(io, [text]))
  return 0
}
