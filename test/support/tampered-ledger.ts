import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { bodyKeeper } from '../../src/audit/bodies/body.ts'
import { makeCheckpoint } from '../../src/audit/checkpoints/checkpoints.ts'
import { knownKeys } from '../../src/audit/checkpoints/ledger-key.ts'
import { markLost } from '../../src/audit/lost.ts'
import { type Recorder, startRecorder } from '../../src/audit/recorder.ts'
import { verify } from '../../src/audit/verify/core.ts'
import { ledgerSource } from '../../src/audit/verify/ledger.ts'
import type { Verified, VerifyOptions } from '../../src/audit/verify/source.ts'
import { newEventId } from '../../src/core/ids.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { connectionRow, doneRow, openRow } from './ledger-rows.ts'
import { tempFolder } from './temp.ts'

/**
 * A ledger as several processes write it: exchanges that ended, are open, and were lost with their process; inline and spilled bodies;
 * connections, events; three checkpoints, and rows after the last.
 */
export async function writtenLedger(): Promise<string> {
  const dir = tempFolder('chain')
  const writers = [1, 2, 3].map(() => startRecorder({ dir, durability: 'crash', inlineBytes: 64 }))
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 8; i += 1) await exchange(dir, writers[i % writers.length]!, i)
    writers[round]!.connection(connectionRow())
    writers[round]!.event(eventRow(round))
    await Promise.all(writers.map((writer) => writer.flush()))
    if (round === 1) await killedWriter(dir)
    checkpoint(dir)
  }
  for (let i = 0; i < 6; i += 1) await exchange(dir, writers[i % writers.length]!, i)
  await Promise.all(writers.map((writer) => writer.close()))
  return dir
}

/** A copy that may be changed. */
export function copyOf(dir: string): string {
  const copy = tempFolder('copy')
  cpSync(dir, copy, { recursive: true })
  return copy
}

/** Runs it on the database of a folder, as somebody would who can write the file. */
export function tamper<T>(dir: string, run: (db: Database.Database) => T): T {
  const db = new Database(databasePath(dir))
  try {
    return run(db)
  } finally {
    db.close()
  }
}

export async function verified(dir: string, options: Partial<VerifyOptions> = {}): Promise<Verified> {
  const source = ledgerSource({ database: databasePath(dir), dir, keys: [] })
  try {
    return await verify(source, { keys: knownKeys(dir), ...options })
  } finally {
    source.close()
  }
}

export function checkpoint(dir: string): void {
  const db = openStore({ dir, durability: 'crash' })
  try {
    makeCheckpoint(db, { dir, reason: 'demand', now: Date.now() })
  } finally {
    db.close()
  }
}

// One in four stays open; of the others bodies are short, long, and not text.
async function exchange(dir: string, recorder: Recorder, i: number): Promise<void> {
  const row = openRow({ principal: i % 3 === 0 ? 'bob' : 'ada' })
  const keep = (side: 'request' | 'response', bytes: Uint8Array) =>
    bodyKeeper({ capture: true, store: 'full', inlineBytes: 64, maxBytes: 1e6, dir, id: row.id, side }).whole(bytes)
  const request = keep('request', i % 2 === 0 ? Buffer.from(`{"prompt":"${i}"}`) : randomBytes(200))
  const response = keep('response', Buffer.from('pong '.repeat(i % 3 === 0 ? 1 : 40)))
  await recorder.open({
    ...row,
    requestBytes: request.bytes,
    requestBody: request.inline,
    requestSpill: request.spill,
    requestContent: request.content,
    requestSha256: request.sha256,
    requestTruncated: false,
  })
  if (i % 4 === 3) return
  recorder.done(
    doneRow(row.id, {
      requestBody: null,
      responseBody: response.inline,
      responseSpill: response.spill,
      responseContent: response.content,
      responseSha256: response.sha256,
      costUsd: i / 3,
      rule: i % 2 === 0 ? 'rule' : null,
    }),
  )
  await recorder.flush()
}

const eventRow = (round: number) => ({
  id: newEventId(Date.now()),
  at: new Date().toISOString(),
  who: 'ada',
  what: 'policy.reload' as const,
  before: null,
  after: JSON.stringify({ round }),
})

async function killedWriter(dir: string): Promise<void> {
  const child = spawn(process.execPath, [
    fileURLToPath(new URL('ledger-child.ts', import.meta.url)),
    dir,
    '3',
    'leave',
    '300',
  ])
  let said = ''
  for await (const piece of child.stdout) {
    said += String(piece)
    if (said.includes('owner')) break
  }
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const db = openStore({ dir, durability: 'crash' })
  try {
    markLost(db, dir)
  } finally {
    db.close()
  }
}
