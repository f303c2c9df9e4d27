import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { commandLine } from '../support/command-line.ts'
import { tempFolder } from '../support/temp.ts'

// What it does to the traffic of a machine is tried in test/clients, in a network namespace.
const linux = { skip: process.platform !== 'linux' && 'the agent is for Linux' }
const run = (...args: readonly string[]) => commandLine(['agent', ...args], { cwd: tempFolder('agent') })

const wrong: readonly (readonly [readonly string[], RegExp])[] = [
  [['up', '--machine', '--user', 'ada'], /^error: --machine is everybody/],
  [['up', '--except', 'ada'], /^error: --except needs --machine/],
  [['up', '--usr', 'ada'], /^error: unknown option '--usr'/],
]
for (const [args, error] of wrong) {
  test(`${args.join(' ')} is wrong usage`, async () => {
    const { status, stderr } = await run(...args)
    assert.match(stderr, error)
    assert.equal(status, 2)
  })
}

test(
  'only root may redirect traffic',
  { skip: linux.skip || (process.getuid?.() === 0 && 'runs as root') },
  async () => {
    const { status, stderr } = await run('up')
    assert.deepEqual([status, stderr.split('\n')[0]], [1, 'error: only root may redirect traffic'])
  },
)

test('elsewhere than on Linux it says so', { skip: process.platform === 'linux' && 'this is Linux' }, async () => {
  assert.match((await run('status')).stderr, /^error: traffic can be redirected on Linux only\nhint: /)
})

test('the help names every flag of up with an example', async () => {
  const { status, stdout } = await run('up', '--help')
  assert.equal(status, 0)
  for (const words of [
    '--user <name>',
    '--machine',
    '--except <name>',
    '--as <name>',
    '--detach',
    'sallyport agent up --user ada',
  ])
    assert.ok(stdout.includes(words), words)
})

test('the systemd unit starts it with flags that it takes, and gives it no rights that it does not say', async () => {
  const unit = readFileSync(new URL('../../systemd/sallyport-agent.service', import.meta.url), 'utf8')
  const [, start = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? []
  const { stdout } = await run('up', '--help')
  const flags = start.split(' ').filter((word) => word.startsWith('-'))
  assert.deepEqual(flags, ['--machine', '--as', '-c'])
  for (const flag of flags) assert.match(stdout, new RegExp(`^ +(?:${flag}|.*, ${flag})[ ,]`, 'm'))
  assert.match(unit, /^NoNewPrivileges=yes$/m)
  const rights = unit.matchAll(/^CapabilityBoundingSet=(.*)$/gm).flatMap(([, names = '']) => names.split(' '))
  assert.deepEqual(
    [...rights],
    ['CAP_NET_ADMIN', 'CAP_SETUID', 'CAP_SETGID', 'CAP_KILL', 'CAP_CHOWN', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE'],
  )
})
