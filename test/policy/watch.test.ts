import assert from 'node:assert/strict'
import { once, EventEmitter } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packsFolder } from '../../src/detect/index.ts'
import type { PolicySet } from '../../src/policy/match.ts'
import { watchPolicies } from '../../src/policy/watch.ts'
import { folderOf } from './fixture.ts'

const watched = async (files: Record<string, string>) => {
  const dir = folderOf(files)
  const events = new EventEmitter()
  const watch = await watchPolicies(
    { dir, packFolders: [join(dir, 'packs')], catalogue: [], now: () => 7 },
    (set) => events.emit('set', set),
    (error) => events.emit('problem', error),
  )
  const next = async (event: 'set' | 'problem'): Promise<PolicySet> => {
    const [value] = (await once(events, event)) as [PolicySet]
    return value
  }
  // The watch itself keeps no process alive.
  const alive = setInterval(() => undefined, 1_000)
  const dispose = (): void => {
    clearInterval(alive)
    watch.close()
  }
  return { dir, watch, next, [Symbol.dispose]: dispose }
}

test('a changed, new or removed file takes effect by itself', async () => {
  using it = await watched({ '10.yaml': 'mode: enforce' })
  assert.equal(it.watch.current().mode, 'enforce')
  assert.equal(it.watch.loadedAt(), 7)
  let set = it.next('set')
  writeFileSync(join(it.dir, '10.yaml'), 'mode: observe')
  assert.equal((await set).mode, 'observe')
  set = it.next('set')
  writeFileSync(join(it.dir, '20.yaml'), 'mode: enforce')
  assert.equal((await set).mode, 'enforce')
  set = it.next('set')
  rmSync(join(it.dir, '20.yaml'))
  assert.equal((await set).mode, 'observe')
  assert.equal(it.watch.current(), await set)
})

test('a broken file never takes effect: the set before it stays, the problem is told, and mending it ends it', async () => {
  using it = await watched({ '10.yaml': 'mode: enforce' })
  const before = it.watch.current()
  const problem = it.next('problem')
  writeFileSync(join(it.dir, '10.yaml'), 'mode: nonsense')
  await problem
  assert.equal(it.watch.current(), before)
  assert.match(it.watch.problem()?.message ?? '', /10\.yaml:1:7: mode must be/)
  const set = it.next('set')
  writeFileSync(join(it.dir, '10.yaml'), 'mode: observe')
  await set
  assert.equal(it.watch.problem(), undefined)
})

test('removing every file is a problem, not an empty policy', async () => {
  using it = await watched({ '10.yaml': 'oversize: allow' })
  const problem = it.next('problem')
  rmSync(join(it.dir, '10.yaml'))
  await problem
  assert.equal(it.watch.current().oversize, 'allow')
})

test('a rule pack and a list of words are watched too, also in a folder that comes later', async () => {
  using it = await watched({
    '10.yaml': 'rules: [{ name: w, hook: keywords, options: { name: x, file: words.txt }, action: flag }]',
    'words.txt': 'falcon\n',
  })
  let set = it.next('set')
  writeFileSync(join(it.dir, 'words.txt'), 'falcon\nheron\n')
  const heron = (await set).rules[0]?.binding.hook
  assert.ok(heron?.kind === 'detector')
  assert.equal(heron.rules.find('a heron').length, 1)
  set = it.next('set')
  mkdirSync(join(it.dir, 'packs'))
  writeFileSync(join(it.dir, 'packs', 'mine.yaml'), 'id: mine\nversion: 1\nrules: []\n')
  await set
})

test('a list that a rule names may come later than the rule', async () => {
  using it = await watched({ '10.yaml': '' })
  const problem = it.next('problem')
  const rule = 'rules: [{ name: w, hook: keywords, options: { name: x, file: words.txt }, action: flag }]'
  writeFileSync(join(it.dir, '10.yaml'), rule)
  await problem
  assert.match(it.watch.problem()?.message ?? '', /words\.txt cannot be read: ENOENT/)
  const set = it.next('set')
  writeFileSync(join(it.dir, 'words.txt'), 'falcon\n')
  assert.equal((await set).rules.length, 1)
})

test('a reload that finds the same content keeps the set', async () => {
  using it = await watched({ '10.yaml': 'mode: enforce' })
  const before = it.watch.current()
  writeFileSync(join(it.dir, '10.yaml'), '# the same\nmode: enforce')
  await it.watch.reload()
  assert.equal(it.watch.current(), before)
  assert.equal(it.watch.problem(), undefined)
})

test('a reload never rejects, and tells the same problem once', async () => {
  using it = await watched({ '10.yaml': 'mode: enforce' })
  const problem = it.next('problem')
  writeFileSync(join(it.dir, '10.yaml'), '{')
  await Promise.all([it.watch.reload(), it.watch.reload(), problem])
  assert.notEqual(it.watch.problem(), undefined)
})

test('the first load must succeed', async () => {
  await assert.rejects(watched({ '10.yaml': 'mode: x' }), { code: 'policy_invalid' })
})

test('what was compiled for the set before is used again after a reload', async () => {
  const dir = folderOf({ '10.yaml': 'rules: [{ name: s, hook: secrets, action: redact }]' })
  const watch = await watchPolicies(
    { dir, packFolders: [packsFolder()], catalogue: [] },
    () => undefined,
    (problem) => assert.fail(problem.message),
  )
  const rules = (): unknown => {
    const [rule] = watch.current().rules
    return rule?.binding.hook.kind === 'detector' ? rule.binding.hook.rules : assert.fail('no detector')
  }
  try {
    const before = rules()
    writeFileSync(join(dir, '10.yaml'), 'rules: [{ name: t, hook: secrets, action: block }]')
    await watch.reload()
    assert.equal(watch.current().rules[0]?.rule.name, 't')
    assert.equal(rules(), before)
  } finally {
    watch.close()
  }
})
