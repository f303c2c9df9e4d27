import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { consoleToken, hopId, keysHmac, placeholderKey } from '../../src/app/secrets.ts'
import { SallyportError } from '../../src/core/errors.ts'
import { tempFolder } from '../support/temp.ts'

type Secret = [file: string, make: (dir: string) => Promise<Buffer | string>, length: number]

const secrets: Secret[] = [
  ['placeholder.key', placeholderKey, 32],
  ['keys.hmac', keysHmac, 32],
  ['console.token', consoleToken, 43],
]

for (const [file, make, length] of secrets) {
  test(`${file} is made once, in a folder that only its owner may enter, and is the same ever after`, async () => {
    const dir = join(tempFolder('secrets'), 'new', 'data')
    const first = await make(dir)
    assert.equal(first.length, length)
    assert.deepEqual(await make(dir), first)
    assert.equal(statSync(dir).mode & 0o777, 0o700)
    assert.equal(statSync(join(dir, file)).mode & 0o777, 0o600)
    assert.notDeepEqual(await make(tempFolder('secrets')), first)
  })

  test(`of many who make ${file} at once all get the same, and nothing else is left behind`, async () => {
    const dir = tempFolder('secrets')
    const all = await Promise.all(Array.from({ length: 8 }, () => make(dir)))
    assert.equal(new Set(all.map(String)).size, 1)
    assert.deepEqual(readdirSync(dir), [file])
  })

  test(`a ${file} that is empty or cut short is refused, not used`, async () => {
    const dir = tempFolder('secrets')
    const path = join(dir, file)
    for (const content of ['', ' \n', 'short']) {
      writeFileSync(path, content)
      await assert.rejects(make(dir), (error) => {
        assert.ok(error instanceof SallyportError)
        assert.equal(error.code, 'config_invalid')
        assert.ok(error.message.includes(path))
        assert.notEqual(error.hint, '')
        return true
      })
      assert.equal(readFileSync(path, 'utf8'), content)
    }
  })
}

test('a token that somebody wrote into the file ends where the line ends', async () => {
  const dir = tempFolder('secrets')
  writeFileSync(join(dir, 'console.token'), 'made-up-by-an-operator-0001\n')
  assert.equal(await consoleToken(dir), 'made-up-by-an-operator-0001')
})

test('the id among proxies is of the data folder, and tells nothing of its key', () => {
  const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  assert.match(hopId(key), /^[0-9a-f]{16}$/)
  assert.equal(hopId(key), hopId(Buffer.from(key)))
  assert.notEqual(hopId(key), hopId(other))
  assert.notEqual(hopId(key), key.toString('hex').slice(0, 16))
})
