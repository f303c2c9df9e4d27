import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { runAgent } from '../../../src/app/agent/agent.ts'
import type { AgentPlan, AgentSignals } from '../../../src/app/agent/agent.ts'
import { readState } from '../../../src/app/agent/state.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { openLog } from '../../../src/lib/log.ts'
import { runs } from '../../support/program-processes.ts'
import { tempFolder } from '../../support/temp.ts'

// With the real nft, in network namespaces, the same is tried in test/clients.
const options = { skip: process.platform !== 'linux' && 'the agent is for Linux' }
const doors =
  "process.send({ kind: 'ready' }); setInterval(() => process.send({ kind: 'beat', serving: true, reasons: [] }), 20)"

test('it redirects when the doors are open, and lets go before it ends them', options, async (t) => {
  const { run, stop, up, said, state } = await stage(t, { doors })
  const running = run()
  await up
  while ((await state())?.phase !== 'redirecting') await soon()
  stop()
  await running
  const lines = said()
  assert.match(lines[0] ?? '', /^add table inet sallyport_agent .*meta skuid \{ 4242 \}/)
  assert.match(lines[2] ?? '', /^flush chain inet sallyport_agent outgoing/)
  assert.equal(lines.at(-1), 'ended')
  assert.equal(await state(), undefined)
})

test('doors that never open are an error, and nothing is redirected', options, async (t) => {
  const { run, said, state } = await stage(t, { doors: 'process.exit(5)' })
  await assert.rejects(run(), { code: 'redirect_failed', message: 'the doors did not open: exit status 5' })
  assert.deepEqual([said(), await state()], [[], undefined])
})

test('rules that are refused are an error, and end the doors', options, async (t) => {
  const {
    run,
    state,
    doors: pid,
  } = await stage(t, { doors, nft: 'read -r line; echo "Error: no" >&2; cat > /dev/null' })
  await assert.rejects(run(), { message: 'nft refuses the rules: no' })
  assert.equal(runs(pid()), false)
  assert.equal(await state(), undefined)
})

test('a second agent is refused', options, async (t) => {
  const { run, stop, up, plan, signals } = await stage(t, { doors })
  const running = run()
  await up
  await assert.rejects(runAgent(plan, signals), { message: 'an agent runs already' })
  stop()
  await running
})

test('doors that end are started again, and meanwhile nothing is redirected', options, async (t) => {
  const once = `import { existsSync, writeFileSync } from 'node:fs'
if (existsSync('was')) { ${doors} }
else { writeFileSync('was', ''); process.send({ kind: 'ready' }); setTimeout(() => process.exit(6), 300) }`
  const { run, stop, up, said, state } = await stage(t, { doors: once })
  const running = run()
  await up
  while ((await state())?.serve.restarts !== 1 || (await state())?.phase !== 'redirecting') await soon()
  const lines = said()
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['add', 'list', 'ended', 'add', 'list'],
  )
  stop()
  await running
})

test('SIGHUP goes to the doors, and the networks that may be dialled go into the rules', options, async (t) => {
  const { run, stop, up, said, reload, write } = await stage(t, {
    doors: `${doors}; process.on('SIGHUP', () => {})`,
  })
  const running = run()
  await up
  write('upstream: { allowPrivate: [10.1.0.0/16] }\n')
  reload()
  while (!said().some((line) => line.includes('opened4 { 10.1.0.0/16 }'))) await soon()
  stop()
  await running
})

async function stage(t: TestContext, { doors: script, nft = standardNft }: { doors: string; nft?: string }) {
  const folder = tempFolder('agent')
  const [program, binary, statePath] = ['doors.mjs', 'nft', 'agent.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(
    program,
    `import { writeFileSync as write } from 'node:fs'\nwrite('pid', String(process.pid))\n${script}`,
  )
  writeFileSync(binary, `#!/bin/sh\ncd '${folder}'\n${nft}\n`)
  chmodSync(binary, 0o755)
  const [stop, now] = [new AbortController(), new AbortController()]
  // A test that fails must not leave an agent behind.
  t.after(() => stop.abort())
  const reloads: (() => void)[] = []
  const signals: AgentSignals = { stop: stop.signal, now: now.signal, onReload: (act) => void reloads.push(act) }
  const source = { env: process.env, cwd: folder }
  const isUp = Promise.withResolvers<void>()
  const as = { name: 'ada', uid: process.getuid?.() ?? 0, gid: 0, home: folder }
  const plan: AgentPlan = {
    config: loadConfig({ env: {}, cwd: folder }),
    source: { ...source, env: { PATH: process.env['PATH'] } },
    who: { kind: 'users', accounts: [{ name: 'ben', uid: 4242, gid: 4242, home: '/' }] },
    listeners: { ipv4: { host: '127.0.0.1', port: 3129 }, ipv6: undefined },
    group: process.getgid?.() ?? 0,
    as,
    command: [program],
    statePath,
    log: await openLog({ level: 'silent', format: 'json' }),
    stdio: 'ignore',
    nft: binary,
    onUp: isUp.resolve,
  }
  const run = async (): Promise<void> => runAgent(plan, signals)
  return {
    plan,
    signals,
    run,
    up: isUp.promise,
    stop: () => stop.abort(),
    reload: () => {
      for (const act of reloads) act()
    },
    write: (text: string) => writeFileSync(join(folder, 'sallyport.yaml'), text),
    said: () =>
      existsSync(join(folder, 'said')) ? readFileSync(join(folder, 'said'), 'utf8').split('\n').slice(0, -1) : [],
    state: () => readState(statePath),
    doors: () => Number(readFileSync(join(folder, 'pid'), 'utf8')),
  }
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))
const standardNft =
  'while read -r line; do echo "$line" >> said; [ "$line" = "list tables" ] && echo "table inet sallyport_agent"; done; echo ended >> said'
