import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { contentReader } from '../../src/audit/bodies/read-content.ts'
import type { Value } from '../../src/audit/rows.ts'
import { databasePath } from '../../src/store/open.ts'
import { tempFolder } from '../support/temp.ts'

const child = fileURLToPath(new URL('../support/spill-child.ts', import.meta.url))

function rowsOf(dir: string): Record<string, Value>[] {
  const db = new Database(databasePath(dir), { readonly: true })
  try {
    return db.prepare<[], Record<string, Value>>('SELECT * FROM exchanges ORDER BY seq').all()
  } finally {
    db.close()
  }
}

function filesOf(dir: string): string[] {
  return readdirSync(join(dir, 'bodies'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
}

/** Writes until it is killed, which is at a random moment after the first row was finished; gives the ids that were told as written. */
async function killed(dir: string, durability: string, key: Buffer | undefined): Promise<string[]> {
  const args = [child, dir, durability, ...(key === undefined ? [] : [key.toString('hex')])]
  const writing = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  writing.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  const ended = once(writing, 'close')
  await Promise.race([once(writing.stdout, 'data'), ended])
  await wait(Math.random() * 120)
  writing.kill('SIGKILL')
  await ended
  return told.split('\n').slice(0, -1)
}

for (const durability of ['crash', 'power']) {
  for (const key of [undefined, randomBytes(32)]) {
    const how = `${durability}${key === undefined ? '' : ', encrypted'}`
    test(`${how}: killed at any moment, every file that a row names is there and whole`, async () => {
      const dir = tempFolder('spill-kills')
      const reader = contentReader({ dir, keys: key === undefined ? [] : [{ id: 'k1', key }] })
      const told: string[] = []
      for (let round = 0; round < 4; round += 1) told.push(...(await killed(dir, durability, key)))
      const rows = rowsOf(dir)
      const named = new Set<Value>()
      for (const row of rows) {
        for (const side of ['request', 'response'] as const) {
          const name = row[`${side}_spill`] ?? null
          if (name === null) continue
          named.add(name)
          const checked = await reader.check(row, side)
          assert.equal(checked.kind, 'intact', `${name}: ${JSON.stringify(checked)}`)
        }
        assert.ok(row['state'] !== 'done' || row['response_spill'] !== null, 'nothing is left out without a word')
        assert.equal(row['error'], null)
      }
      const states = new Map(rows.map((row) => [row['id'], row['state']]))
      for (const id of told) assert.equal(states.get(id), 'done')
      // What is there beside: unfinished ones, and finished ones whose row did not come to it.
      const ids = new Set(rows.map((row) => String(row['id'])))
      for (const file of filesOf(dir)) {
        if (named.has(file) || file.endsWith('.tmp')) continue
        assert.ok(file.endsWith('.request') ? !ids.has(file.slice(18, 54)) : states.get(file.slice(18, 54)) !== 'done')
      }
      assert.ok(told.length >= 4)
      rmSync(dir, { recursive: true })
    })
  }
}
