import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeBundle } from '../../src/audit/bundle/bundle.ts'
import { databasePath } from '../../src/store/open.ts'
import { writtenLedger } from '../support/tampered-ledger.ts'
import { tempFolder } from '../support/temp.ts'
import type { Trial } from './wire-tools.ts'

/** A verifier in Python, written after the documentation alone, finds that a bundle fits, and that an altered one does not. */
export const pythonVerifier: Trial = async (program) => {
  const dir = await writtenLedger()
  const to = join(tempFolder('proof'), 'bundle')
  await writeBundle({ database: databasePath(dir), dir, to, bodies: true, keys: [], now: Date.now() })
  const verifier = join(import.meta.dirname, 'python', 'verify_bundle.py')
  const run = () => spawnSync(program, [verifier, to, join(dir, 'ledger.pub')], { encoding: 'utf8', timeout: 60_000 })
  const whole = run()
  if (whole.status !== 0 || !/^all fits: \d\d+ entries$/m.test(whole.stdout)) return whole.stdout + whole.stderr
  const rows = join(to, 'exchanges.jsonl')
  writeFileSync(rows, readFileSync(rows, 'utf8').replace('"principal":"ada"', '"principal":"eve"'))
  const altered = run()
  return altered.status === 1 && altered.stdout.includes(': row') ? undefined : `an altered bundle: ${altered.stdout}`
}
