import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { stopSignals } from '../../../src/app/agent/stop-signals.ts'

const started = (isTerminal: boolean) => {
  const from = new EventEmitter()
  const signals = stopSignals(isTerminal, from as unknown as NodeJS.Process)
  let reloads = 0
  signals.onReload(() => reloads++)
  return { from, signals, reloads: () => reloads, state: () => [signals.stop.aborted, signals.now.aborted] }
}

for (const [first, second] of [
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM'],
]) {
  test(`${first} stops, and ${second} after it stops at once`, () => {
    const { from, state } = started(false)
    from.emit(first as string)
    assert.deepEqual(state(), [true, false])
    from.emit(second as string)
    assert.deepEqual(state(), [true, true])
  })
}

test('SIGHUP reads the configuration anew, but on a terminal it is the end', () => {
  const service = started(false)
  service.from.emit('SIGHUP')
  assert.deepEqual([service.reloads(), ...service.state()], [1, false, false])
  const terminal = started(true)
  terminal.from.emit('SIGHUP')
  assert.deepEqual([terminal.reloads(), ...terminal.state()], [0, true, false])
})

test('closed, it listens to nothing any more', () => {
  const { from, signals } = started(false)
  signals.close()
  assert.deepEqual(from.eventNames(), [])
})
