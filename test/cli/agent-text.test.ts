import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState } from '../../src/app/agent/state.ts'
import { statusLines } from '../../src/cli/agent-text.ts'

const state: AgentState = {
  pid: 7,
  began: '1',
  since: '2026-01-31T08:00:00.000Z',
  phase: 'redirecting',
  capture: { users: ['ada', 'ben'] },
  listeners: ['127.0.0.1:3129', '[::1]:3129'],
  group: 60_706,
  serve: { pid: 8, user: 'sallyport', restarts: 0 },
  reasons: [],
}

test('it says whose traffic is redirected, where to, and by whom', () => {
  assert.deepEqual(statusLines({ running: true, redirecting: true, state }), [
    'traffic is redirected: ada, ben',
    'to: 127.0.0.1:3129, [::1]:3129',
    'agent: process 7, since 2026-01-31T08:00:00.000Z',
    'doors: process 8 as sallyport, restarted 0 times',
  ])
})

test('it says why nothing is redirected', () => {
  const open: AgentState = {
    ...state,
    phase: 'open',
    capture: { machine: true, except: ['backup'] },
    serve: { pid: null, user: 'ada', restarts: 2 },
    reasons: ['exit status 1'],
  }
  const lines = statusLines({ running: true, redirecting: false, state: open })
  assert.equal(lines[0], 'traffic is not redirected (open): everybody except backup')
  assert.deepEqual(lines.slice(3), ['doors: not running as ada, restarted 2 times', 'not well: exit status 1'])
})

test('without an agent there is one line', () => {
  assert.deepEqual(statusLines({ running: false, redirecting: false, state: undefined }), ['no agent runs'])
  assert.deepEqual(statusLines({ running: false, redirecting: true, state: undefined }), [
    'no agent of this machine runs, but traffic is redirected',
  ])
})
