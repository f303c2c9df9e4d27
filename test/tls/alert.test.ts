import assert from 'node:assert/strict'
import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import { connect } from 'node:tls'
import { test } from 'node:test'
import { alerts } from '../../src/tls/alert.ts'

const cases = [
  ['ACCESS_DENIED', alerts.accessDenied],
  ['INTERNAL_ERROR', alerts.internalError],
  ['UNRECOGNIZED_NAME', alerts.unrecognizedName],
] as const

for (const [name, alert] of cases) {
  test(`a client of TLS reads ${name}`, async () => {
    const [near, far] = duplexPair()
    far.once('data', () => far.write(alert))
    const [error] = (await once(connect({ socket: near, servername: 'a.test' }), 'error')) as [NodeJS.ErrnoException]
    assert.match(String(error.code), new RegExp(name))
  })
}
