import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import type Database from 'better-sqlite3'
import fc from 'fast-check'
import type { Verified } from '../../../src/audit/verify/source.ts'
import { startRecorder } from '../../../src/audit/recorder.ts'
import { chainColumns } from '../../../src/store/chain.ts'
import { connectionRow } from '../../support/ledger-rows.ts'
import { checkpoint, copyOf, tamper, verified, writtenLedger } from '../../support/tampered-ledger.ts'

let ledger = ''
before(async () => {
  ledger = await writtenLedger()
})

type Row = { readonly seq: number; readonly id: string; readonly block: number }
const tables = ['exchanges', 'connections', 'events'] as const
const table = fc.constantFrom(...tables)
const some = fc.nat()
const runs = { numRuns: 15 }

const rowsOf = (db: Database.Database, of: string): Row[] =>
  db.prepare<[], Row>(`SELECT seq, id, block FROM ${of} ORDER BY seq`).all()

const signedTo = (db: Database.Database): number =>
  db.prepare<[], number>('SELECT max(block) FROM checkpoints').pluck().get() ?? 0

const names = (found: Verified, row: Row): boolean =>
  found.faults.some(({ id, seq }) => id === row.id || seq === row.seq)

/** Tampers with a copy, and hands over what the verification then says. */
async function after<T>(change: (db: Database.Database, dir: string) => T): Promise<{ found: Verified; told: T }> {
  const dir = copyOf(ledger)
  try {
    const told = tamper(dir, (db) => change(db, dir))
    return { found: await verified(dir), told }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('a ledger that several processes wrote, one of which was killed, verifies', async () => {
  const found = await verified(ledger)
  assert.deepEqual(found.faults, [])
  assert.equal(found.ok, true)
  assert.equal(found.rows.exchanges, 33)
  assert.equal(found.checkpoints, 3)
  assert.equal(found.proof?.number, 3)
  assert.ok(found.content.checked > 30)
  assert.ok(found.unsigned.entries > 0)
})

test('the documentation names the columns that are covered, in their order', () => {
  const page = readFileSync(new URL('../../../docs/ledger.md', import.meta.url), 'utf8')
  for (const of of tables) {
    const line = new RegExp(`^[-*] \`${of}\`: (.*)$`, 'm').exec(page)?.[1] ?? ''
    assert.equal(line, chainColumns[of].map((name) => `\`${name}\``).join(' '), of)
  }
})

test('a change of any column of any row is found, and the row is named', async () => {
  await fc.assert(
    fc.asyncProperty(table, some, some, async (of, whichRow, whichColumn) => {
      const content = of === 'exchanges' ? ['request_body', 'response_body', 'request_spill', 'response_spill'] : []
      const columns = [...chainColumns[of], ...content, 'block', 'seq']
      const column = columns[whichColumn % columns.length]!
      const { found, told } = await after((db) => {
        const rows = rowsOf(db, of)
        const row = rows[whichRow % rows.length]!
        const type = db.prepare(`SELECT type FROM pragma_table_info('${of}') WHERE name = ?`).pluck().get(column)
        const old = db.prepare(`SELECT "${column}" FROM ${of} WHERE seq = ?`).pluck().get(row.seq)
        const other = type === 'TEXT' ? `${String(old ?? '')}x` : Number(old ?? 0) + 1_000
        db.prepare(`UPDATE ${of} SET "${column}" = ? WHERE seq = ?`).run(other, row.seq)
        return row
      })
      assert.equal(found.ok, false, column)
      assert.ok(names(found, told), `${column}: ${JSON.stringify(found.faults)}`)
    }),
    { numRuns: 60 },
  )
})

test('a value that becomes null is found', async () => {
  for (const column of ['principal', 'request_body', 'request_spill', 'request_sha256', 'model', 'cost_usd']) {
    const { found, told } = await after((db) => {
      const row = db.prepare<[], Row>(`SELECT seq, id, block FROM exchanges WHERE "${column}" IS NOT NULL`).get()!
      db.prepare(`UPDATE exchanges SET "${column}" = NULL WHERE seq = ?`).run(row.seq)
      return row
    })
    assert.equal(found.faults[0]?.id, told.id, column)
  }
})

test('rows that are removed are found, and the first of them is named', async () => {
  await fc.assert(
    fc.asyncProperty(table, fc.uniqueArray(some, { minLength: 1, maxLength: 4 }), async (of, which) => {
      const { found, told } = await after((db) => {
        const rows = rowsOf(db, of)
        const gone = [...new Set(which.map((i) => rows[i % rows.length]!))]
        for (const { seq } of gone) db.prepare(`DELETE FROM ${of} WHERE seq = ?`).run(seq)
        return gone.map(({ seq }) => seq).toSorted((a, b) => a - b)
      })
      assert.equal(found.ok, false)
      assert.deepEqual([...new Set(found.faults.map(({ what }) => what))], ['removed'])
      assert.deepEqual(
        found.faults.map(({ seq }) => seq).toSorted((a, b) => a! - b!),
        told,
      )
    }),
    runs,
  )
})

test('a row that is inserted is found and named', async () => {
  await fc.assert(
    fc.asyncProperty(table, some, fc.integer({ min: -3, max: 500 }), async (of, which, block) => {
      const { found } = await after((db) => {
        const rows = rowsOf(db, of)
        const columns = chainColumns[of].filter((name) => name !== 'id').map((name) => `"${name}"`)
        const sql = `INSERT INTO ${of} (id, block, ${columns.join()}) SELECT 'forged', ?, ${columns.join()} FROM ${of} WHERE seq = ?`
        db.prepare(sql).run(block, rows[which % rows.length]!.seq)
      })
      assert.deepEqual(
        found.faults.map(({ what, id }) => [what, id]),
        [['inserted', 'forged']],
      )
    }),
    runs,
  )
})

test('rows that change places are found and said to be reordered', async () => {
  await fc.assert(
    fc.asyncProperty(table, some, some, async (of, one, other) => {
      const { found, told } = await after((db) => {
        const rows = rowsOf(db, of)
        const [a, b] = [rows[one % rows.length]!, rows[other % rows.length]!]
        const move = db.prepare(`UPDATE ${of} SET seq = ? WHERE seq = ?`)
        for (const [to, from] of [
          [-1, a.seq],
          [a.seq, b.seq],
          [b.seq, -1],
        ] as const)
          move.run(to, from)
        return [a, b]
      })
      const [a, b] = told
      if (a!.seq === b!.seq) return assert.equal(found.ok, true)
      assert.equal(found.ok, false)
      assert.ok(names(found, a!) && names(found, b!))
      assert.ok(
        found.faults.some(({ what }) => what === 'reordered'),
        JSON.stringify(found.faults),
      )
    }),
    runs,
  )
})

test('a row that was given another number is found under both', async () => {
  await fc.assert(
    fc.asyncProperty(table, some, async (of, which) => {
      const { found, told } = await after((db) => {
        const rows = rowsOf(db, of)
        const row = rows[which % rows.length]!
        db.prepare(`UPDATE ${of} SET seq = seq + 5000 WHERE seq = ?`).run(row.seq)
        return row
      })
      assert.deepEqual(
        found.faults.map(({ what }) => what),
        ['reordered', 'reordered'],
      )
      assert.deepEqual(
        found.faults.map(({ seq }) => seq).toSorted((a, b) => a! - b!),
        [told.seq, told.seq + 5000],
      )
    }),
    runs,
  )
})

test('any change of the chain is found', async () => {
  const changes: Record<string, (db: Database.Database, n: number) => void> = {
    at: (db, n) => db.prepare(`UPDATE chain SET at = at || 'x' WHERE n = ?`).run(n),
    link: (db, n) => db.prepare(`UPDATE chain SET link = randomblob(32) WHERE n = ?`).run(n),
    entries: (db, n) =>
      db
        .prepare(
          `UPDATE chain SET entries = CAST(substr(entries, 1, 40) || x'00' || substr(entries, 42) AS BLOB) WHERE n = ?`,
        )
        .run(n),
    shorter: (db, n) => db.prepare(`UPDATE chain SET entries = substr(entries, 42) WHERE n = ?`).run(n),
    cut: (db, n) => db.prepare(`UPDATE chain SET entries = substr(entries, 2) WHERE n = ?`).run(n),
    kind: (db, n) =>
      db.prepare(`UPDATE chain SET entries = CAST(x'09' || substr(entries, 2) AS BLOB) WHERE n = ?`).run(n),
    removed: (db, n) => db.prepare('DELETE FROM chain WHERE n = ?').run(n),
    renumbered: (db, n) => db.prepare('UPDATE chain SET n = n + 5000 WHERE n = ?').run(n),
  }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(changes)), some, async (change, which) => {
      const { found, told } = await after((db) => {
        const last = db.prepare<[], number>('SELECT max(n) FROM chain').pluck().get()!
        const n = 1 + (which % (last - 1))
        changes[change]!(db, n)
        return n
      })
      assert.equal(found.ok, false, `${change} of block ${told}`)
      assert.ok((found.faults[0]?.block ?? Infinity) <= told + 1)
    }),
    { numRuns: 30 },
  )
})

test('a chain that was cut off with its rows is found by the checkpoint that covers more', async () => {
  await fc.assert(
    fc.asyncProperty(some, async (which) => {
      const { found, told } = await after((db) => {
        const to = which % signedTo(db)
        for (const of of tables) db.prepare(`DELETE FROM ${of} WHERE block > ?`).run(to)
        db.prepare('DELETE FROM chain WHERE n > ?').run(to)
        return to
      })
      const cut = found.faults.find(({ what }) => what === 'truncated')
      assert.equal(cut?.block, told + 1)
    }),
    runs,
  )
})

test('what was rewritten and linked anew is found by the next checkpoint', async () => {
  await fc.assert(
    fc.asyncProperty(some, async (which) => {
      const { found, told } = await after((db) => {
        const n = 1 + (which % signedTo(db))
        relink(db, n)
        return { n, signed: signedTo(db) }
      })
      assert.equal(found.faults[0]?.what, 'chain altered')
      assert.ok(found.faults[0].block! <= told.n)
    }),
    runs,
  )
})

test('what was rewritten after the last checkpoint is not proved, and the report says where the proof ends', async () => {
  const { found, told } = await after((db) => {
    const signed = signedTo(db)
    relink(db, signed + 2)
    return signed
  })
  assert.equal(found.ok, true)
  assert.equal(found.proof?.block, told)
  assert.ok(found.unsigned.blocks >= 2)
})

test('a checkpoint that was kept elsewhere finds what happened before it', async () => {
  const dir = copyOf(ledger)
  const newer = copyOf(ledger)
  checkpoint(newer)
  const kept = tamper(newer, (db) => db.prepare<[], never>('SELECT * FROM checkpoints').all())
  tamper(dir, (db) => relink(db, signedTo(db) + 1))
  assert.equal((await verified(dir)).ok, true)
  const found = await verified(dir, { kept })
  assert.equal(found.faults[0]?.what, 'chain altered')
})

test('a ledger that was put back to an earlier state is found by a checkpoint that was kept elsewhere', async () => {
  const newer = copyOf(ledger)
  const recorder = startRecorder({ dir: newer, durability: 'crash', inlineBytes: 64 })
  recorder.connection(connectionRow())
  await recorder.close()
  checkpoint(newer)
  const kept = tamper(newer, (db) => db.prepare<[], never>('SELECT * FROM checkpoints').all())
  const found = await verified(copyOf(ledger), { kept })
  assert.deepEqual(
    found.faults.map(({ what, seq }) => [what, seq]),
    [['truncated', 4]],
  )
})

test('a change of any checkpoint is found', async () => {
  const changes = [
    `statement = replace(statement, '"reason":"demand"', '"reason":"shutdown"'), reason = 'shutdown'`,
    `statement = statement || ' '`,
    `statement = '{'`,
    `signature = randomblob(64)`,
    `signature = x''`,
    `at = at || 'x'`,
    `block = block - 1`,
    `number = number + 1000`,
    `reason = 'retention'`,
  ]
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...changes), fc.integer({ min: 1, max: 3 }), async (change, number) => {
      const { found } = await after((db) => db.prepare(`UPDATE checkpoints SET ${change} WHERE number = ?`).run(number))
      assert.equal(found.ok, false, change)
      assert.ok(
        found.faults.every(({ table: of }) => of === 'checkpoints'),
        JSON.stringify(found.faults),
      )
    }),
    runs,
  )
})

test('a checkpoint that was removed is found, but for the last ones', async () => {
  for (const number of [1, 2]) {
    const { found } = await after((db) => db.prepare('DELETE FROM checkpoints WHERE number = ?').run(number))
    assert.deepEqual(found.faults.map(({ what, seq }) => [what, seq]).at(0), ['removed', number])
  }
  const { found } = await after((db) => db.prepare('DELETE FROM checkpoints WHERE number = 3').run())
  assert.equal(found.ok, true)
  assert.equal(found.proof?.number, 2)
})

test('a ledger that was signed anew with another key does not fit the key that is known', async () => {
  const dir = copyOf(ledger)
  rmSync(join(dir, 'ledger.key'))
  tamper(dir, (db) => db.exec('DELETE FROM checkpoints'))
  checkpoint(dir)
  const known = (await import('../../../src/audit/checkpoints/ledger-key.ts')).knownKeys(ledger)
  assert.equal((await verified(dir, { keys: known })).faults[0]?.what, 'checkpoint signature')
})

test('a file of a body that was changed, removed, cut or swapped is found, and its row is named', async () => {
  const files = readdirSync(join(ledger, 'bodies'), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => ({ name: file.name, path: join(file.parentPath, file.name).slice(ledger.length + 1) }))
  const content = (dir: string, path: string): string => join(dir, path)
  const changes: Record<string, (dir: string, path: string, other: string) => void> = {
    'file altered': (dir, path) => writeFileSync(content(dir, path), zstdCompressSync(Buffer.from('other'))),
    damaged: (dir, path) => writeFileSync(content(dir, path), 'no frame'),
    empty: (dir, path) => writeFileSync(content(dir, path), ''),
    'file missing': (dir, path) => rmSync(content(dir, path)),
    swapped: (dir, path, other) => {
      if (path === other) return
      renameSync(content(dir, path), join(dir, 'aside'))
      renameSync(content(dir, other), content(dir, path))
      renameSync(join(dir, 'aside'), content(dir, other))
    },
  }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(changes)), some, some, async (change, one, two) => {
      const file = files[one % files.length]!
      const other = files[two % files.length]!
      const { found, told: lost } = await after((db, dir) => {
        changes[change]!(dir, file.path, other.path)
        return db.prepare(`SELECT 1 FROM exchanges WHERE state = 'lost' AND id = ?`).get(file.name.split('.')[0])
      })
      // A lost row says itself that its file may not be there.
      if (change === 'file missing' && lost !== undefined) return assert.equal(found.ok, true)
      if (change === 'swapped' && same(ledger, file.path, other.path)) return assert.equal(found.ok, true)
      assert.ok(
        found.faults.some(({ id }) => id === file.name.split('.')[0]),
        `${change} ${JSON.stringify(found.faults)}`,
      )
      assert.ok(found.faults.every(({ what }) => what === (change === 'file missing' ? change : 'file altered')))
    }),
    { numRuns: 25 },
  )
})

function same(dir: string, one: string, other: string): boolean {
  const sql = `SELECT iif(request_spill = @path, request_sha256, response_sha256) FROM exchanges
    WHERE @path IN (request_spill, response_spill)`
  return tamper(dir, (db) => {
    const sha = db.prepare<[{ path: string }], string>(sql).pluck()
    return sha.get({ path: one }) === sha.get({ path: other })
  })
}

/** Rewrites block `n` and links all from there anew, as one would who knows the format and has no key. */
function relink(db: Database.Database, n: number): void {
  type Block = { n: number; at: string; entries: Buffer; link: Buffer }
  const blocks = db.prepare<[number], Block>('SELECT * FROM chain WHERE n >= ? ORDER BY n').all(n - 1)
  let link = blocks[0]!.link
  for (const block of blocks.slice(1)) {
    const at = block.n === n ? `${block.at} ` : block.at
    const number = Buffer.alloc(8)
    number.writeBigUInt64BE(BigInt(block.n))
    link = createHash('sha256').update(link).update(number).update(at).update(block.entries).digest()
    db.prepare('UPDATE chain SET at = ?, link = ? WHERE n = ?').run(at, link, block.n)
  }
}
