import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventKinds } from '../../src/store/event-kinds.ts'

const repository = join(import.meta.dirname, '..', '..')

function sources(): string {
  const folder = join(repository, 'src')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('event-kinds.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
}

test('the documentation lists every event with what it says, and no other', () => {
  const page = readFileSync(join(repository, 'docs', 'ledger.md'), 'utf8')
  const [, section = ''] = page.split('\n## Events\n')
  const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([a-z]+\.[a-z.]+)` +\| (.*?) +\|$/gm)]
  assert.deepEqual(
    rows.map(([, kind, says]) => [kind, says]),
    Object.entries(eventKinds),
  )
})

test('every event is written somewhere, and none that is not listed', () => {
  const text = sources()
  // `ca.install` and `ca.uninstall` are put together.
  const written = (kind: string): boolean =>
    text.includes(`'${kind}'`) || text.includes(`\`${kind.replace(/(un)?install$/, '${action}')}\``)
  assert.deepEqual(
    Object.keys(eventKinds).filter((kind) => !written(kind)),
    [],
  )
  const named = [...text.matchAll(/\bwhat: '([a-z]+\.[a-z.]+)'/g)].map(([, kind]) => kind ?? '')
  assert.ok(named.length > 10)
  assert.deepEqual(
    named.filter((kind) => !Object.hasOwn(eventKinds, kind) && !elsewhere.includes(kind)),
    [],
  )
})

/** What is called so in a format, and what a sink is sent to try it: not of the ledger. */
const elsewhere = ['sallyport.event', 'export.test']
