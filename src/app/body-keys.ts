import { readSealKeys } from '../audit/bodies/seal-keys.ts'
import type { SealKey } from '../audit/bodies/seal.ts'
import type { Config } from '../config/schema.ts'

/** The keys of stored bodies: the first seals, all open. Throws `config_invalid` that names the key which cannot be had. */
export function bodyKeys(
  { audit }: Pick<Config, 'audit'>,
  warn: (message: string) => void,
  env: Readonly<Record<string, string | undefined>> = process.env,
): readonly SealKey[] {
  return readSealKeys(audit.encryption, env, warn)
}
