import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SallyportError } from '../core/errors.ts'
import { createFileAtomic } from '../lib/atomic-file.ts'
import { policyFilesIn } from './files.ts'

/** Puts the default policy into a folder that has no policy file, making the folder where needed. Whether it did. */
export async function writeDefaultPolicy(dir: string): Promise<boolean> {
  // Who can write there decides what is inspected, whatever the umask.
  try {
    await mkdir(dir, { recursive: true, mode: 0o755 })
    if ((await policyFilesIn(dir)).length > 0) return false
    return await createFileAtomic(join(dir, DEFAULT_NAME), await readFile(defaultPolicyFile))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new SallyportError(
      'config_invalid',
      `policies.dir: the default policy cannot be written to ${dir}: ${code}`,
      { cause, hint: BEFOREHAND },
    )
  }
}

const DEFAULT_NAME = '10-default.yaml'
const BEFOREHAND = `Put ${DEFAULT_NAME} of the project there beforehand, or let this user write there.`

/** The default policy as the program comes with it. */
export const defaultPolicyFile = join(import.meta.dirname, '..', '..', 'policies', DEFAULT_NAME)
