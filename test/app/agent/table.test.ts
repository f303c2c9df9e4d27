import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { holdTable, refusal } from '../../../src/app/agent/table.ts'
import { tempFolder } from '../../support/temp.ts'

// The real nft, which needs root and a kernel, is tried in test/clients; these stand-ins speak as it does.
const LISTS =
  'while read -r line; do echo "$line" >> said; [ "$line" = "list tables" ] && echo "table inet sallyport_agent"; done'

test('the table is there once nft lists it, takes more lines, and goes when it is released', async () => {
  const { nft, said } = standIn(`${LISTS}; echo ended >> said`)
  const table = await holdTable('add table inet sallyport_agent', { nft })
  await table.send('flush table inet sallyport_agent')
  await table.release()
  await table.gone
  assert.equal(
    readFileSync(said, 'utf8'),
    'add table inet sallyport_agent\nlist tables\nflush table inet sallyport_agent\nlist tables\nended\n',
  )
})

test('an nft that ends says that the table is gone', async () => {
  const { nft } = standIn(LISTS)
  const table = await holdTable('add', { nft })
  process.kill(table.pid, 'SIGKILL')
  await table.gone
  await assert.rejects(table.send('more'), { code: 'redirect_failed' })
})

test('what nft refuses is an error, also when a table of that name is there, and leaves no nft behind', async () => {
  const { nft, said } = standIn(
    'read -r line; echo "Error: Could not process rule: Operation not permitted" >&2; read -r line; echo "table inet sallyport_agent"; cat > /dev/null; echo ended >> said',
  )
  await assert.rejects(holdTable('add', { nft }), { code: 'redirect_failed', message: /may not set the rules/ })
  assert.ok(existsSync(said))
})

test('an nft that does not answer is given up, also when it does not end', async () => {
  const { nft } = standIn('trap "" TERM; while :; do sleep 0.1; done')
  await assert.rejects(holdTable('add', { nft, answerMs: 50 }), { message: 'nft refuses the rules: no answer' })
})

test('a machine without nft is told which package has it', async () => {
  await assert.rejects(holdTable('add', { nft: join(tempFolder('none'), 'nft') }), {
    message: 'nft is not installed',
    hint: /nftables/,
  })
})

const answers: readonly (readonly [string, RegExp])[] = [
  ['Error: syntax error, unexpected newline\nadd rule\n        ^\n', /: syntax error, unexpected newline$/],
  ['Error: Could not process rule: Operation not supported\n', /no tables that end with their owner/],
  ['Error: Could not process rule: Operation not permitted\n', /may not set the rules/],
  ['netlink: Error: cache initialization failed: Operation not permitted\n', /may not set the rules/],
  ['', /no answer/],
]
for (const [said, message] of answers) {
  test(`of ${JSON.stringify(said)} the reason is told`, () => assert.match(refusal(said).message, message))
}

/** A program in the place of nft that writes what it hears to a file. */
function standIn(script: string): { nft: string; said: string } {
  const folder = tempFolder('nft')
  const [nft, said] = [join(folder, 'nft'), join(folder, 'said')]
  writeFileSync(nft, `#!/bin/sh\ncd '${folder}'\n${script}\n`)
  chmodSync(nft, 0o755)
  return { nft, said }
}
