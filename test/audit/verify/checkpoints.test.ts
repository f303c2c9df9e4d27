import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import { linkOf, verify } from '../../../src/audit/verify/core.ts'
import type { Block, CheckpointLine, Source, Verified } from '../../../src/audit/verify/source.ts'
import { sha256Hex, type Statement } from '../../../src/audit/verify/statement.ts'
import { chainColumns } from '../../../src/store/chain.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('ed25519')
const rawKey = (key: KeyObject): string => key.export({ format: 'jwk' }).x ?? ''
const key = rawKey(publicKey)

const blocks: Block[] = [{ n: 0, at: '', entries: Buffer.alloc(0), link: Buffer.alloc(32, 7) }]
for (let n = 1; n <= 9; n += 1) {
  const block = { n, at: `at ${n}`, entries: Buffer.alloc(0) }
  blocks.push({ ...block, link: linkOf(blocks[n - 1]!.link, block) })
}
const hex = (n: number): string => Buffer.from(blocks[n]!.link).toString('hex')

function checkpointsAt(...covered: (Partial<Statement> & { readonly block: number })[]): CheckpointLine[] {
  let previous: string | null = null
  return covered.map((over, i) => {
    const said = {
      sallyport: 'checkpoint',
      version: 1,
      ledger: hex(0),
      number: i + 1,
      at: `then ${i}`,
      reason: 'interval',
      link: hex(Math.min(over.block, 9)),
      entries: 0,
      previous,
      removed: null,
      key,
      ...over,
    } satisfies Statement
    const statement = JSON.stringify(said)
    previous = sha256Hex(statement)
    const signer = said.key === key ? privateKey : other.privateKey
    const { number, at, reason, block } = said
    return { number, at, reason, block, statement, signature: sign(null, Buffer.from(statement), signer) }
  })
}

const removedTo = (toBlock: number) => ({
  reason: 'retention' as const,
  removed: { toBlock, link: hex(toBlock), entries: 0, exchanges: 0, connections: 0, events: 0, from: null, to: null },
})

function verified(
  chain: readonly Block[],
  lines: readonly CheckpointLine[],
  over: { keys?: string[]; kept?: CheckpointLine[]; excerpt?: boolean; signed?: boolean } = {},
): Promise<Verified> {
  const source: Source = {
    columns: chainColumns,
    excerpt: over.excerpt ?? false,
    blocks: () => chain,
    checkpoints: () => lines,
    rows: (_, wanted) => wanted.map(() => undefined),
    content: () => ({ kind: 'none', file: false }),
    find: () => undefined,
    strays: () => [],
  }
  return verify(source, { keys: over.keys ?? [key], kept: over.kept ?? [], signed: over.signed })
}

const whats = ({ faults }: Verified): string[] => faults.map(({ what, seq }) => `${what} ${seq}`)

test('the last checkpoint that fits is how far the proof reaches', async () => {
  const found = await verified(blocks, checkpointsAt({ block: 3 }, { block: 3 }, { block: 7 }))
  assert.deepEqual(whats(found), [])
  assert.deepEqual(found.proof, { number: 3, at: 'then 2', block: 7, entries: 0, key })
  assert.equal(found.ledger, hex(0))
  assert.equal(found.unsigned.blocks, 2)
})

test('without a checkpoint nothing is proved; that is wrong only for who knows that there are some', async () => {
  const found = await verified(blocks, [])
  assert.equal(found.ok, true)
  assert.equal(found.proof, null)
  const one = Buffer.alloc(41, 0)
  const written = { n: 1, at: '', entries: one }
  const chain = [blocks[0]!, { ...written, link: linkOf(blocks[0]!.link, written) }]
  assert.deepEqual(whats(await verified(chain, [], { excerpt: true })), [])
  assert.deepEqual(whats(await verified(chain, [], { excerpt: true, signed: true })), ['removed null'])
  assert.deepEqual(whats(await verified(blocks, [], { signed: true })), ['removed null'])
})

test('checkpoints that are missing, there twice, or do not follow each other are told', async () => {
  const [one, two, three] = checkpointsAt({ block: 2 }, { block: 4 }, { block: 6 })
  assert.deepEqual(whats(await verified(blocks, [two!, three!])), ['removed 1'])
  assert.deepEqual(whats(await verified(blocks, [one!, three!])), ['removed 2'])
  assert.deepEqual(whats(await verified(blocks, [one!, one!, two!, three!])), ['inserted 1'])
  const [, forked] = checkpointsAt({ block: 2, at: 'other' }, { block: 4 })
  assert.deepEqual(whats(await verified(blocks, [one!, forked!])), ['checkpoint altered 2'])
})

test('a block that was changed or is gone is named first, and not again by every checkpoint behind it', async () => {
  const lines = checkpointsAt({ block: 2 }, { block: 6 }, { block: 8 }, { block: 9 })
  const changed = blocks.map((block) => (block.n === 5 ? { ...block, at: 'never' } : block))
  const gone = blocks.filter(({ n }) => n !== 5)
  const relinked = blocks.slice(0, 5)
  for (const { n, entries } of blocks.slice(5)) {
    const block = { n, at: 'never', entries }
    relinked.push({ ...block, link: linkOf(relinked[n - 1]!.link, block) })
  }
  const rewritten = 'checkpoint 2 covers another content of blocks 3 to 6: they were rewritten'
  const cases: [string, readonly Block[], readonly string[]][] = [
    ['changed', changed, ['5 its link does not fit']],
    ['gone', gone, ['6 block 5 is missing']],
    ['relinked', relinked, [`3 ${rewritten}`]],
    ['relinked to 6', [...relinked.slice(0, 7), ...blocks.slice(7)], [`3 ${rewritten}`, '7 its link does not fit']],
    [
      'relinked and torn',
      [...changed.slice(0, 6), ...relinked.slice(6)],
      ['5 its link does not fit', '6 its link does not fit', `6 ${rewritten}`],
    ],
  ]
  for (const [name, chain, expected] of cases) {
    const { faults } = await verified(chain, lines)
    assert.deepEqual(
      faults.map(({ block, detail }) => `${block} ${detail}`),
      expected,
      name,
    )
  }
})

test('entries that are gone with their block are told once, by the checkpoint after them', async () => {
  const chain: Block[] = [blocks[0]!]
  for (let n = 1; n <= 9; n += 1) {
    const block = { n, at: `at ${n}`, entries: Buffer.alloc(41) }
    chain.push({ ...block, link: linkOf(chain[n - 1]!.link, block) })
  }
  const link = (n: number): string => Buffer.from(chain[n]!.link).toString('hex')
  const lines = checkpointsAt(...[2, 6, 8, 9].map((block) => ({ block, link: link(block), entries: block })))
  const { faults } = await verified(
    chain.filter(({ n }) => n !== 5),
    lines,
  )
  const told = faults.filter(({ table }) => table === 'chain').map(({ block, detail }) => `${block} ${detail}`)
  assert.deepEqual(told, [
    '6 block 5 is missing',
    '6 checkpoint 2 covers another content of blocks 3 to 6: they were rewritten',
  ])
})

test('only a key that is trusted counts; without one, the first that is named', async () => {
  const foreign = checkpointsAt({ block: 3, key: rawKey(other.publicKey) })
  assert.deepEqual(whats(await verified(blocks, foreign)), ['checkpoint signature 1'])
  assert.deepEqual(whats(await verified(blocks, foreign, { keys: [] })), [])
  const both = checkpointsAt({ block: 3 }, { block: 4, key: rawKey(other.publicKey) })
  assert.deepEqual(whats(await verified(blocks, both, { keys: [] })), ['checkpoint signature 2'])
  assert.deepEqual(whats(await verified(blocks, both, { keys: [key, rawKey(other.publicKey)] })), [])
})

test('a chain may begin after what retention says is removed, and nowhere else', async () => {
  const lines = checkpointsAt({ block: 5 }, { block: 9, ...removedTo(4) })
  assert.deepEqual(whats(await verified(blocks.slice(5), lines)), [])
  assert.deepEqual(whats(await verified(blocks.slice(5), lines.slice(1))), [])
  assert.deepEqual(whats(await verified([blocks[0]!, ...blocks.slice(5)], lines)), ['chain altered null'])
  for (const from of [4, 6, 7]) assert.equal((await verified(blocks.slice(from), lines)).ok, false, String(from))
  assert.equal((await verified(blocks.slice(5), checkpointsAt({ block: 4 }, { block: 5 }))).ok, false)
  const forged = checkpointsAt({ block: 9, ...removedTo(4), key: rawKey(other.publicKey) })
  assert.equal((await verified(blocks.slice(5), forged)).ok, false)
})

test('an excerpt may begin after any checkpoint', async () => {
  const lines = checkpointsAt({ block: 1 }, { block: 4 }, { block: 8 })
  assert.deepEqual(whats(await verified(blocks.slice(5), lines.slice(1), { excerpt: true })), [])
  assert.equal((await verified(blocks.slice(6), lines.slice(1), { excerpt: true })).ok, false)
})

test('checkpoints kept elsewhere find what those in the ledger do not tell', async () => {
  const lines = checkpointsAt({ block: 3 }, { block: 6 }, { block: 9 })
  const kept = (chain: readonly Block[], own: CheckpointLine[], elsewhere: CheckpointLine[]): Promise<string[]> =>
    verified(chain, own, { kept: elsewhere }).then(whats)
  assert.deepEqual(await kept(blocks, lines, lines.toReversed()), [])
  assert.deepEqual(await kept(blocks.slice(0, 6), lines.slice(0, 1), lines), ['truncated 2', 'truncated 3'])
  assert.deepEqual(await kept(blocks, lines.slice(0, 2), lines), ['removed 3'])
  assert.deepEqual(await kept(blocks, lines, checkpointsAt({ block: 3, at: 'other' })), ['checkpoint altered 1'])
  assert.deepEqual(await kept(blocks, lines, checkpointsAt({ block: 3, ledger: 'f'.repeat(64) })), [
    'checkpoint altered 1',
    'checkpoint altered 1',
  ])
})
