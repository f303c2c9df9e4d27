import Database from 'better-sqlite3'
import { openSnapshot } from '../snapshot.ts'
import { tokensOf, untold } from './tokens.ts'
import type { Told } from './tokens.ts'

export type ReconcileOptions = {
  /** Only what happened from then on, and before, ISO 8601; its counterpart may have been at any time. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** Only tokens of this device; without it of those that the other ledger has signed as. */
  readonly device?: string | undefined
}

/**
 * What one of two ledgers tells of a token and the other does not, or not the same. `only-sent`: the other never got it. `only-received`: the other
 * never sent it. `failed`: it was sent with a CONNECT that failed, and the other does not tell of it. `differs`: not the same device, policy or
 * target. `replayed`: it came more than once.
 */
export type Mismatch = Omit<Told, 'way'> & {
  readonly what: 'only-sent' | 'only-received' | 'failed' | 'differs' | 'replayed'
  readonly ledger: 'A' | 'B'
  /** What does not fit, as the other ledger has it; of `replayed`, how often it came. */
  readonly detail: string | null
}

export type Side = { readonly sent: number; readonly received: number; readonly open: number; readonly lost: number }

export type Reconciled = {
  readonly sides: { readonly A: Side; readonly B: Side }
  /** Tokens of which both tell, by what became of them where they came. */
  readonly both: Readonly<Record<string, number>>
  /** In order of time. */
  readonly mismatches: () => Iterable<Mismatch>
  readonly count: Readonly<Record<Mismatch['what'], number>>
  readonly close: () => void
}

/**
 * Compares the tokens of two ledgers, each of which may have sent some to the other. They are read as they are at this moment and not
 * changed, and neither is trusted. What is compared goes to a temporary database of SQLite, however much it is.
 */
export function reconcile(a: string, b: string, options: ReconcileOptions = {}): Reconciled {
  const db = new Database('')
  try {
    db.exec(told)
    const untoldOf = { A: taken(db, 'A', a), B: taken(db, 'B', b) }
    db.exec(grouped)
    const sideOf = (ledger: 'A' | 'B'): Side => ({
      sent: count(db, 'sent', ledger),
      received: count(db, 'received', ledger),
      ...untoldOf[ledger],
    })
    const found = `SELECT * FROM (${mismatches}) WHERE at >= @since AND at < @until AND (@device IS NULL OR device = @device)`
    const { since = '', until = '~', device = null } = options
    const range = { since, until, device }
    const counted = (sql: string): Record<string, number> =>
      Object.fromEntries(db.prepare<[typeof range], [string, number]>(sql).raw().all(range))
    return {
      sides: { A: sideOf('A'), B: sideOf('B') },
      both: counted(both),
      count: { ...none, ...counted(`SELECT what, count(*) FROM (${found}) GROUP BY what`) },
      mismatches: () => db.prepare<[typeof range], Mismatch>(`${found} ORDER BY at, jti, what`).iterate(range),
      close: () => db.close(),
    }
  } catch (cause) {
    db.close()
    throw cause
  }
}

function taken(db: Database.Database, ledger: 'A' | 'B', path: string): Pick<Side, 'open' | 'lost'> {
  const snapshot = openSnapshot(path)
  try {
    const insert = db.prepare(
      'INSERT INTO told VALUES (@ledger, @way, @jti, @device, @policy, @outcome, @table, @id, @at, @host, @port, @error)',
    )
    db.transaction(() => {
      for (const token of tokensOf(snapshot.db)) insert.run({ ledger, ...token })
    })()
    return untold(snapshot.db)
  } finally {
    snapshot.close()
  }
}

function count(db: Database.Database, table: 'sent' | 'received', ledger: string): number {
  return db.prepare<[string], number>(`SELECT count(*) FROM ${table} WHERE ledger = ?`).pluck().get(ledger) ?? 0
}

const columns = 'device, policy, outcome, "table", id, at, host, port, error'

const told = `
CREATE TABLE told (ledger TEXT, way TEXT, jti TEXT, device TEXT, policy TEXT, outcome TEXT, "table" TEXT, id TEXT, at TEXT, host TEXT, port INTEGER, error TEXT)`

// Many exchanges go over one connection: the first row stands for them. With one aggregate of min, SQLite takes the other columns from its row.
const grouped = `
CREATE TABLE sent AS SELECT ledger, jti, ${columns}, min(at) AS first FROM told WHERE way = 'sent' GROUP BY ledger, jti;
CREATE UNIQUE INDEX sent_jti ON sent (jti, ledger);
CREATE TABLE received AS SELECT ledger, jti, ${columns}, min((outcome = 'replayed') || at) AS first FROM told WHERE way = 'received' GROUP BY ledger, jti;
CREATE UNIQUE INDEX received_jti ON received (jti, ledger);
CREATE TABLE replays AS SELECT ledger, jti, ${columns}, count(*) AS times, max(at) AS last FROM told
  WHERE way = 'received' AND outcome = 'replayed' GROUP BY ledger, jti;
CREATE TABLE devices AS SELECT DISTINCT ledger, device FROM sent;
DROP TABLE told`

const mine = columns.replaceAll(/"?\w+"?/g, 'x.$&')

const mismatches = `
SELECT iif(x."table" = 'connections' AND x.error IN ('parent_proxy_failed', 'upstream_timeout', 'client_aborted'), 'failed', 'only-sent') AS what, x.ledger, x.jti, ${mine}, NULL AS detail FROM sent x
  WHERE NOT EXISTS (SELECT 1 FROM received y WHERE y.jti = x.jti AND y.ledger <> x.ledger)
UNION ALL
SELECT 'only-received', x.ledger, x.jti, ${mine}, NULL FROM received x
  WHERE NOT EXISTS (SELECT 1 FROM sent y WHERE y.jti = x.jti AND y.ledger <> x.ledger)
  AND (@device IS NOT NULL OR NOT EXISTS (SELECT 1 FROM devices d WHERE d.ledger <> x.ledger)
    OR EXISTS (SELECT 1 FROM devices d WHERE d.ledger <> x.ledger AND d.device = x.device))
UNION ALL
SELECT 'differs', x.ledger, x.jti, ${mine},
  concat_ws(', ', iif(y.device IS x.device, NULL, 'device ' || y.device), iif(y.policy IS x.policy, NULL, 'policy ' || y.policy),
    iif(y.host IS x.host AND y.port IS x.port, NULL, concat(y.host, ':', y.port)))
  FROM received x JOIN sent y ON y.jti = x.jti AND y.ledger <> x.ledger
  WHERE y.device IS NOT x.device OR y.policy IS NOT x.policy OR y.host IS NOT x.host OR y.port IS NOT x.port
UNION ALL
SELECT 'replayed', x.ledger, x.jti, ${mine}, x.times || ' times' FROM replays x
  WHERE EXISTS (SELECT 1 FROM sent y WHERE y.jti = x.jti AND y.ledger <> x.ledger)`

const both = `
SELECT x.outcome, count(*) FROM received x JOIN sent y ON y.jti = x.jti AND y.ledger <> x.ledger
  WHERE x.at >= @since AND x.at < @until AND (@device IS NULL OR x.device = @device) GROUP BY x.outcome ORDER BY x.outcome`

const none = { 'only-sent': 0, 'only-received': 0, failed: 0, differs: 0, replayed: 0 } as const
