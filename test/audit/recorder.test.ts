import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { markLeft, markLost } from '../../src/audit/lost.ts'
import { type Recorder, type RecorderNotice, type RecorderOptions, startRecorder } from '../../src/audit/recorder.ts'
import type { Value } from '../../src/audit/rows.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { databasePath, openStore } from '../../src/store/open.ts'
import { connectionRow, doneRow, openRow } from '../support/ledger-rows.ts'
import { tempFolder } from '../support/temp.ts'

type Rows = Record<string, Value>[]

function rowsOf(dir: string, table = 'exchanges'): Rows {
  const db = new Database(databasePath(dir), { readonly: true })
  try {
    return db.prepare<[], Record<string, Value>>(`SELECT * FROM ${table} ORDER BY seq`).all()
  } finally {
    db.close()
  }
}

function start(over: Partial<RecorderOptions> = {}): { dir: string; recorder: Recorder; notices: RecorderNotice[] } {
  const dir = over.dir ?? tempFolder('ledger')
  const notices: RecorderNotice[] = []
  const recorder = startRecorder({
    dir,
    durability: 'crash',
    inlineBytes: 65_536,
    notice: (notice) => notices.push(notice),
    ...over,
  })
  return { dir, recorder, notices }
}

/** One whose patience ends when it is told to, so that a slow disk is no outage. */
function startPatient(t: TestContext, over: Partial<RecorderOptions> = {}) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const started = start({ ...over, patienceMs: 500 })
  /** Its patience ends, until who waits has been told. */
  const outage = async (waiting: Promise<unknown>): Promise<void> => {
    let told = false
    const ticking = until(() => {
      t.mock.timers.tick(500)
      return told
    })
    await Promise.all([waiting.finally(() => (told = true)), ticking])
  }
  return { ...started, outage }
}

const unavailable = (thrown: unknown): boolean =>
  thrown instanceof SallyportError && thrown.code === 'ledger_unavailable'

async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('a row is open when open resolves, and done after done', async () => {
  const { dir, recorder } = start()
  const row = openRow({ requestBody: 'early', stream: true })
  await recorder.open(row)
  assert.partialDeepStrictEqual(rowsOf(dir), [
    { id: row.id, state: 'open', host: 'api.openai.com', stream: 1, request_body: 'early', decision: null },
  ])
  recorder.done(doneRow(row.id, { requestBody: null, model: 'gpt-5.1-mini', decision: 'redact', costUsd: 0.5 }))
  await recorder.flush()
  assert.partialDeepStrictEqual(rowsOf(dir), [
    { state: 'done', decision: 'redact', request_body: 'early', model: 'gpt-5.1-mini', cost_usd: 0.5, stream: 1 },
  ])
  await recorder.close()
})

test('every durability writes what it is given', async () => {
  for (const durability of ['crash', 'power', 'relaxed'] as const) {
    const { dir, recorder } = start({ durability })
    const row = openRow()
    await recorder.open(row)
    recorder.done(doneRow(row.id))
    await recorder.close()
    assert.deepEqual(
      rowsOf(dir).map(({ state }) => state),
      ['done'],
      durability,
    )
  }
})

test('an exchange that was never forwarded, connections and events are written too', async () => {
  const { dir, recorder } = start()
  const row = openRow({ provider: null })
  recorder.once(row, doneRow(row.id, { decision: 'block', status: 403 }))
  recorder.connection(connectionRow())
  recorder.event({ id: 'e1', at: row.at, who: 'program', what: 'policy.reload', before: '"a"', after: '"b"' })
  await recorder.close()
  assert.partialDeepStrictEqual(rowsOf(dir), [{ id: row.id, decision: 'block', state: 'done', provider: null }])
  assert.partialDeepStrictEqual(rowsOf(dir, 'connections'), [{ handling: 'tunnel', bytes_down: 5_000_000_000 }])
  assert.partialDeepStrictEqual(rowsOf(dir, 'events'), [{ what: 'policy.reload', before: '"a"', after: '"b"' }])
})

test('many exchanges share a commit', async () => {
  const { dir, recorder } = start()
  await Promise.all(
    Array.from({ length: 400 }, async () => {
      const row = openRow()
      await recorder.open(row)
      recorder.done(doneRow(row.id))
    }),
  )
  await recorder.flush()
  const { rows, commits, queued, queuedBytes } = recorder.stats()
  assert.deepEqual({ rows, queued, queuedBytes }, { rows: 800, queued: 0, queuedBytes: 0 })
  assert.ok(commits < 100, `${commits} commits`)
  await recorder.close()
  assert.equal(rowsOf(dir).filter(({ state }) => state === 'done').length, 400)
})

test('a row that the database will not have is refused alone', async () => {
  const { dir, recorder, notices } = start()
  const [good, bad, other] = [openRow(), openRow({ host: null as unknown as string }), openRow()]
  const opens = [good, bad, other].map((row) => recorder.open(row))
  await assert.rejects(opens[1] as Promise<void>, unavailable)
  await Promise.all([opens[0], opens[2]])
  recorder.done(doneRow('never-opened'))
  await recorder.flush()
  await recorder.close()
  assert.deepEqual(
    rowsOf(dir).map(({ id }) => id),
    [good.id, other.id],
  )
  assert.equal(recorder.stats().refused, 2)
  assert.equal(notices.filter(({ kind }) => kind === 'refused').length, 2)
})

test('an exchange whose open was refused can still be recorded once', async () => {
  const { dir, recorder } = start()
  const row = openRow()
  await recorder.open(row)
  recorder.once(row, doneRow(row.id, { decision: 'error' }))
  await recorder.close()
  assert.partialDeepStrictEqual(rowsOf(dir), [{ id: row.id, decision: 'error', state: 'done' }])
})

test('a locked database is waited for', async () => {
  const { dir, recorder } = start()
  const other = new Database(databasePath(dir))
  other.exec('BEGIN IMMEDIATE')
  const opened = recorder.open(openRow())
  const first = await Promise.race([
    opened.then(() => 'opened'),
    new Promise((resolve) => setTimeout(resolve, 50, 'waits')),
  ])
  assert.equal(first, 'waits')
  other.exec('COMMIT')
  await opened
  other.close()
  await recorder.close()
  assert.equal(rowsOf(dir).length, 1)
})

test('a database locked for too long is an outage: opens are refused at once, and it mends itself', async (t) => {
  const { dir, recorder, notices, outage } = startPatient(t, { queueBytes: 2_000 })
  const before = openRow()
  await recorder.open(before)
  const other = new Database(databasePath(dir))
  other.exec('BEGIN IMMEDIATE')
  const caught = openRow()
  await outage(assert.rejects(recorder.open(caught), unavailable))
  assert.equal(recorder.available(), false)
  await assert.rejects(recorder.open(openRow()), unavailable)
  await assert.rejects(recorder.flush(), unavailable)
  assert.equal(recorder.pressure(), undefined)
  recorder.done(doneRow(before.id, { requestBody: 'x'.repeat(5_000) }))
  recorder.done(doneRow(caught.id, { decision: 'error' }))
  recorder.connection(connectionRow())
  const { refused } = recorder.stats()
  other.exec('COMMIT')
  other.close()
  await until(() => recorder.available())
  await recorder.open(openRow())
  await recorder.close()
  const rows = rowsOf(dir)
  assert.deepEqual(rows.map(({ id }) => id).slice(0, 2), [before.id, caught.id])
  assert.partialDeepStrictEqual(rows, [{ state: 'done', request_body: 'x'.repeat(5_000) }, { state: 'done' }])
  assert.match(String(rows[1]?.error), /bodies not kept/)
  assert.equal(rows[1]?.request_body, null)
  // One caught waiting, one turned away, and the connection for which there was no room.
  assert.equal(refused, 3)
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['unavailable', 'refused', 'recovered'],
  )
})

test('what an outage cost is an event once it is over: who went on, who was turned away, what was given up', async (t) => {
  const { dir, recorder, outage } = startPatient(t, { queueBytes: 2_000 })
  const other = new Database(databasePath(dir))
  other.exec('BEGIN IMMEDIATE')
  await outage(assert.rejects(recorder.open(openRow()), unavailable))
  await assert.rejects(recorder.open(openRow()), unavailable)
  recorder.forwarded()
  for (let i = 0; i < 12; i += 1) recorder.connection(connectionRow())
  const { refused, turnedAway, forwarded } = recorder.stats()
  assert.deepEqual([turnedAway, forwarded], [2, 1])
  assert.match(recorder.problem() ?? '', /locked|no commit in time/)
  // It does not end in the millisecond in which it began.
  const began = Date.now()
  await until(() => Date.now() > began)
  other.exec('COMMIT')
  other.close()
  await until(() => recorder.available())
  await recorder.close()
  const [recovered, gap] = rowsOf(dir, 'events')
  assert.deepEqual([recovered?.what, gap?.what], ['ledger.recovered', 'ledger.gap'])
  const [before, after] = [gap?.before, gap?.after].map((text) => JSON.parse(String(text)) as Record<string, unknown>)
  assert.match(String(before?.['reason']), /locked|no commit in time/)
  assert.deepEqual(
    { exchanges: after?.['exchanges'], refused: after?.['refused'], givenUp: after?.['givenUp'] },
    { exchanges: 1, refused: 1, givenUp: refused - turnedAway },
  )
  assert.ok(Number(after?.['givenUp']) > 0 && String(before?.['from']) < String(after?.['to']))
})

test('a full disk is an outage until there is room again', async (t) => {
  const dir = tempFolder('ledger')
  const made = openStore({ dir, durability: 'crash' })
  const pages = Number(made.pragma('page_count', { simple: true }))
  made.exec(`INSERT INTO events (id, at, who, what, after) VALUES ('ballast', '', '', '', '${'x'.repeat(400_000)}')`)
  const maxPages = Number(made.pragma('page_count', { simple: true }))
  assert.ok(maxPages > pages)
  made.close()
  const { recorder, outage } = startPatient(t, { dir, maxPages })
  const body = 'y'.repeat(50_000)
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 50; i += 1) await recorder.open(openRow({ requestBody: body }))
  }
  const filled = assert.rejects(fill(), (thrown: Error) => unavailable(thrown) && /full/.test(thrown.message))
  await until(() => recorder.problem() !== undefined)
  await outage(filled)
  const room = new Database(databasePath(dir))
  room.exec(`DELETE FROM events`)
  room.close()
  await until(() => recorder.available())
  await recorder.open(openRow({ requestBody: body }))
  await recorder.close()
})

test('above its bound the queue asks for patience, and open waits for room', async () => {
  const { dir, recorder } = start({ queueBytes: 10_000 })
  assert.equal(recorder.pressure(), undefined)
  const rows = Array.from({ length: 60 }, () => openRow({ requestBody: 'z'.repeat(1_000) }))
  const opens = rows.map((row) => recorder.open(row))
  assert.ok(recorder.stats().queuedBytes < 13_000)
  assert.ok(recorder.pressure() instanceof Promise)
  await recorder.pressure()
  await Promise.all(opens)
  assert.equal(recorder.pressure(), undefined)
  await recorder.close()
  assert.equal(rowsOf(dir).length, 60)
})

test('closing during an outage ends, and tells', async (t) => {
  const { dir, recorder, outage } = startPatient(t)
  const other = new Database(databasePath(dir))
  other.exec('BEGIN IMMEDIATE')
  recorder.connection(connectionRow())
  await outage(assert.rejects(recorder.close(), unavailable))
  other.close()
})

test('what is still open when the recorder closes is lost', async () => {
  const { dir, recorder } = start()
  await recorder.open(openRow())
  await recorder.close()
  assert.partialDeepStrictEqual(rowsOf(dir), [{ state: 'lost' }])
  assert.equal(
    rowsOf(dir, 'sqlite_sequence').some(({ name }) => name === 'processes'),
    true,
  )
})

const childFile = fileURLToPath(new URL('../support/ledger-child.ts', import.meta.url))

function child(dir: string, count: number, end: 'finish' | 'leave') {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', childFile, dir, String(count), end], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

test('kill -9 right after open resolves leaves the row, and only the dead lose theirs', async () => {
  const dir = tempFolder('ledger')
  const { recorder } = start({ dir })
  const mine = openRow()
  await recorder.open(mine)
  const victim = child(dir, 3, 'leave')
  let printed = ''
  for await (const chunk of victim.stdout) {
    printed += String(chunk)
    // The instant the first id is out.
    if (printed.includes('\n')) break
  }
  victim.kill('SIGKILL')
  await once(victim, 'exit')
  const opened = printed
    .split('\n')
    .slice(0, -1)
    .filter((line) => !line.startsWith('owner'))
  const stored = new Map(rowsOf(dir).map(({ id, state }) => [id, state]))
  for (const id of opened) assert.equal(stored.get(id), 'open')
  const db = openStore({ dir, durability: 'crash' })
  assert.equal(markLeft(db, dir, recorder.owner), 0)
  const lost = markLost(db, dir)
  assert.ok(lost >= opened.length && lost <= 3)
  db.close()
  const after = rowsOf(dir)
  assert.equal(after.find(({ id }) => id === mine.id)?.state, 'open')
  for (const id of opened) assert.equal(after.find((row) => row.id === id)?.state, 'lost')
  recorder.done(doneRow(mine.id))
  await recorder.close()
  assert.equal(rowsOf(dir).find(({ id }) => id === mine.id)?.state, 'done')
})

test('the next start marks what a killed process left open', async () => {
  const dir = tempFolder('ledger')
  const victim = child(dir, 2, 'leave')
  let printed = ''
  for await (const chunk of victim.stdout) if ((printed += String(chunk)).includes('owner')) break
  victim.kill('SIGKILL')
  await once(victim, 'exit')
  const { recorder, notices } = start({ dir })
  assert.deepEqual(notices, [{ kind: 'lost', exchanges: 2 }])
  assert.deepEqual(
    rowsOf(dir).map(({ state }) => state),
    ['lost', 'lost'],
  )
  await recorder.close()
})

test('two processes write at once, and nothing is missing', async () => {
  const dir = tempFolder('ledger')
  const children = [child(dir, 300, 'finish'), child(dir, 300, 'finish')]
  for (const one of children) one.stdout.resume()
  const exits = await Promise.all(children.map((one) => once(one, 'exit')))
  assert.deepEqual(
    exits.map(([status]) => status as number),
    [0, 0],
  )
  const rows = rowsOf(dir)
  assert.equal(rows.length, 600)
  assert.ok(rows.every(({ state }) => state === 'done'))
})
