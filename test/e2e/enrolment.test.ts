import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { privateKeyFrom } from '../../src/attest/keys.ts'
import { attestor } from '../../src/attest/sign.ts'
import { keyIn } from '../support/attest.ts'
import { commandLine } from '../support/command-line.ts'
import { startStage, type Stage } from '../support/stage.ts'
import { tempFolder } from '../support/temp.ts'

const host = 'api.test'

/** Makes connections with fresh tokens by the key in the file; gives the outcomes that were recorded. */
async function outcomes(stage: Stage, file: string, count = 4): Promise<string[]> {
  const attest = attestor({
    key: privateKeyFrom(readFileSync(file, 'utf8')),
    device: 'laptop-7',
    audience: 'egress-1',
    version: '1.0.0',
    now: Date.now,
    policy: () => 'p',
  })
  const known = stage.sallyport.rows('connections').length
  const clients = await Promise.all(
    Array.from({ length: count }, () =>
      stage.connect(host, {
        ca: stage.sallyport.ca() + stage.authority.cert,
        connectHeaders: `Sallyport-Attestation: ${attest(`${host}:443`).header}\r\n`,
      }),
    ),
  )
  for (const client of clients) client.close()
  const rows = await stage.sallyport.rowsWhen('connections', (all) => all.length === known + count)
  return rows.slice(known).map(({ attestation }) => (JSON.parse(String(attestation)) as { outcome: string }).outcome)
}

test('a device enrols itself at the running console, renews its key, and is revoked, for both workers at once', async () => {
  await using stage = await startStage((_, response) => void response.end(), {
    hosts: [host],
    config: { workers: 2, attestation: { accept: true, audience: 'egress-1' } },
  })
  const { sallyport } = stage
  const operator = async (...args: string[]): Promise<Record<string, string>> => {
    const { status, stdout, stderr } = await commandLine(['attest', '-c', sallyport.file, ...args, '--json'], {
      cwd: sallyport.dir,
    })
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout) as Record<string, string>
  }
  const device = tempFolder('device')
  const redeem = async (code: string | undefined, key: string): Promise<void> => {
    writeFileSync(join(device, 'code'), String(code))
    const console = `http://127.0.0.1:${sallyport.consolePort}`
    const args = ['redeem', '--console', console, '--code-file', join(device, 'code'), '--key', join(device, key)]
    assert.deepEqual([(await operator(...args))['audience']], ['egress-1'])
  }
  const all = (outcome: string): string[] => Array.from({ length: 4 }, () => outcome)

  await keyIn(device, 'one.pem')
  assert.deepEqual(await outcomes(stage, join(device, 'one.pem')), all('unknown_device'))
  await redeem((await operator('enroll', '--device', 'laptop-7', '--code'))['code'], 'one.pem')
  assert.deepEqual(await outcomes(stage, join(device, 'one.pem')), all('valid'))

  await keyIn(device, 'two.pem')
  await redeem((await operator('rotate', 'laptop-7', '--code'))['code'], 'two.pem')
  assert.deepEqual(await outcomes(stage, join(device, 'one.pem')), all('valid'))
  assert.deepEqual(await outcomes(stage, join(device, 'two.pem')), all('valid'))

  await operator('revoke', 'laptop-7')
  assert.deepEqual(await outcomes(stage, join(device, 'two.pem')), all('revoked'))

  assert.equal(await sallyport.stop(), 0)
  assert.match(String((await operator('list'))['lastSeen']), /^20/)
  assert.deepEqual(
    sallyport
      .rows('events')
      .map(({ what }) => String(what))
      .filter((what) => what.startsWith('device.')),
    ['device.code', 'device.enroll', 'device.code', 'device.rotate', 'device.revoke'],
  )
  const verified = await commandLine(['audit', 'verify', '-c', sallyport.file], { cwd: sallyport.dir })
  assert.equal(verified.status, 0, verified.stdout)
})
