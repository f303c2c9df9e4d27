import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import { foreignSchema } from '../../src/store/schema.ts'

function after(sql: string, steps = migrations): string | undefined {
  const db = new Database(':memory:')
  try {
    migrate(db, steps)
    db.exec(sql)
    return foreignSchema(db)
  } finally {
    db.close()
  }
}

test('a database that the migrations made has nothing foreign, of whichever version it is', () => {
  for (const { version } of migrations)
    assert.equal(
      after(
        '',
        migrations.filter((step) => step.version <= version),
      ),
      undefined,
    )
})

test('an index more or less, and what ANALYZE makes, is not foreign', () => {
  assert.equal(after('CREATE INDEX mine ON events (who); ANALYZE; DROP INDEX events_at'), undefined)
})

test('what could show each reader something else, or is missing, is named', () => {
  const cases = [
    [
      'ALTER TABLE events RENAME TO x; CREATE VIEW events AS SELECT * FROM x',
      /^the \w+ (?:x|events|events_at) is not ours$/,
    ],
    ['CREATE VIEW v AS SELECT 1', /^the view v is not ours$/],
    ['CREATE TABLE other (a)', /^the table other is not ours$/],
    ['CREATE VIRTUAL TABLE f USING fts5 (a)', /^the table f is not ours$/],
    ['CREATE TRIGGER t AFTER INSERT ON events BEGIN SELECT 1; END', /^the trigger t is not ours$/],
    ['ALTER TABLE events ADD COLUMN g TEXT AS (upper(who))', /^the table events is not ours$/],
    ['ALTER TABLE exchanges DROP COLUMN tools', /^the table exchanges is not ours$/],
    ['DROP INDEX events_at; CREATE INDEX events_at ON exchanges (id)', /^the index events_at is not ours$/],
    ['DROP TABLE checkpoints', /^the table checkpoints is missing$/],
    [`DROP TABLE events; CREATE TABLE events (${'a'.repeat(20_000)})`, /^the table events is not ours$/],
    ['PRAGMA user_version = 1', / is not ours$/],
    ['PRAGMA user_version = 99; CREATE VIEW v AS SELECT 1', /^the view v is not ours$/],
  ] as const
  for (const [sql, expected] of cases) assert.match(after(sql) ?? 'nothing', expected, sql)
})
