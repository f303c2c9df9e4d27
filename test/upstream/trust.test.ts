import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dialTcp, startTls } from '../../src/upstream/dial.ts'
import { upstreamTrust } from '../../src/upstream/trust.ts'
import { testAuthority } from '../support/authority.ts'
import { startOrigin } from '../support/origin.ts'
import { tempFolder } from '../support/temp.ts'

test('a private authority is trusted only when its file is named', async () => {
  const authority = testAuthority()
  const file = join(tempFolder('trust'), 'private.pem')
  writeFileSync(file, authority.cert)
  await using origin = await startOrigin(() => undefined, { authority, names: ['a.test'] })
  const dial = async (files: string[]) => {
    const socket = await dialTcp('a.test', { addresses: ['127.0.0.1'], port: origin.port }, { connectTimeoutMs: 5_000 })
    return startTls(socket, 'a.test', { context: upstreamTrust(files)(), alpn: [], connectTimeoutMs: 5_000 })
  }
  const secure = await dial([file])
  assert.equal(secure.authorized, true)
  secure.destroy()
  await assert.rejects(dial([]), { code: 'upstream_certificate_invalid' })
})

test('a file that cannot be read is a fault of the configuration', () => {
  assert.throws(() => upstreamTrust([join(tempFolder('trust'), 'missing.pem')]), {
    code: 'config_invalid',
    message: /missing\.pem/,
  })
})
