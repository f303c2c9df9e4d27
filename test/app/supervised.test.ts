import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentChannel } from '../../src/app/supervised.ts'
import type { FromServe } from '../../src/app/supervised.ts'
import { tempFolder } from '../support/temp.ts'

test('the agent hears that the doors are open, and after that that they still are', async () => {
  const child = supervised(`{ reasons: ['ledger'], facts: { policy: 'p' } }`)
  const heard: FromServe[] = []
  child.on('message', (message: FromServe) => heard.push(message))
  while (heard.length < 3) await once(child, 'message')
  child.disconnect()
  await once(child, 'exit')
  assert.deepEqual(heard.slice(0, 3), [
    { kind: 'ready' },
    { kind: 'beat', serving: true, reasons: ['ledger'] },
    { kind: 'beat', serving: true, reasons: ['ledger'] },
  ])
})

test('doors without a process that knows a policy serve nobody', async () => {
  const child = supervised('{ reasons: [], facts: {} }')
  let message: FromServe | undefined
  while (message?.kind !== 'beat') [message] = (await once(child, 'message')) as [FromServe]
  assert.equal(message.serving, false)
  child.disconnect()
  await once(child, 'exit')
})

test('it ends when the agent does', async () => {
  const child = supervised('{ reasons: [], facts: {} }')
  await once(child, 'message')
  child.disconnect()
  assert.deepEqual(await once(child, 'exit'), [7, null])
})

test('what the agent does to the traffic is told on', async () => {
  const child = supervised('{ reasons: [], facts: {} }')
  const toldOn = Promise.withResolvers<unknown>()
  child.on('message', ({ kind, act }: { kind: string; act?: unknown }) => kind === 'told' && toldOn.resolve(act))
  await once(child, 'message')
  const act = { what: 'redirect.start', after: { users: ['ada'] } }
  child.send({ kind: 'act', act })
  assert.deepEqual(await toldOn.promise, act)
  child.disconnect()
  await once(child, 'exit')
})

test('it ends by itself when its work is done, with the agent still there', async () => {
  const child = supervised(
    '{ reasons: [], facts: {} }',
    'Promise.resolve("SIGTERM")',
    'process.exitCode = why === "SIGTERM" ? 8 : 1',
  )
  assert.deepEqual(await once(child, 'exit'), [8, null])
})

test('a process that no agent started has no channel, also when another program has one to it', () => {
  assert.equal(agentChannel({ ...process, env: {}, send: () => true } as unknown as NodeJS.Process), undefined)
  const alone = { ...process, env: { SALLYPORT_AGENT: '1' }, send: undefined }
  assert.equal(agentChannel(alone as unknown as NodeJS.Process), undefined)
})

/** A process that tells this health until `end`, and then does what `then` says; it ends with 7 because of the agent. */
function supervised(
  health: string,
  end = 'new Promise(() => {})',
  then = "process.exit(why === 'the agent ended' ? 7 : 1)",
): ChildProcess {
  const script = join(tempFolder('supervised'), 'child.ts')
  const module = join(import.meta.dirname, '../../src/app/supervised.ts')
  writeFileSync(
    script,
    `import { agentChannel, tellAgent } from ${JSON.stringify(module)}
const channel = agentChannel()
if (process.env.SALLYPORT_AGENT !== undefined) process.exit(1)
const tell = (act: unknown) => process.send!({ kind: 'told', act })
const why = await tellAgent(channel!, { health: async () => (${health}) as never, tell, end: ${end}, everyMs: 5 })
${then}`,
  )
  return fork(script, { env: { ...process.env, SALLYPORT_AGENT: '1' } })
}
