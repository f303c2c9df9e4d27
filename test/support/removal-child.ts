import { erase } from '../../src/audit/keeper/erase.ts'
import { purge } from '../../src/audit/keeper/purge.ts'
import { openStore } from '../../src/store/open.ts'

// A process of its own that removes: `removal-child.ts DIR purge THROUGH` or `removal-child.ts DIR erase PRINCIPAL`. It says when it begins, and
// is killed or ends.
const [dir = '', what = '', of = ''] = process.argv.slice(2)
const db = openStore({ dir, durability: 'crash' })
const { signal } = new AbortController()
const common = { dir, now: Date.now, who: 'test' }
process.stdout.write('begins\n')
if (what === 'purge') await purge(db, { ...common, reason: 'demand', through: Number(of), sinks: [] }, signal)
else await erase(db, { ...common, target: { kind: 'principal', principal: of, before: undefined } }, signal)
db.close()
