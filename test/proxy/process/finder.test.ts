import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { socketFinder, threadFinder } from '../../../src/proxy/process/finder.ts'
import type { OpenFinder, Told } from '../../../src/proxy/process/finder.ts'
import { programService } from '../../../src/proxy/process/service.ts'
import { tempFolder } from '../../support/temp.ts'

const stranger = { client: { address: '192.0.2.1', port: 1 }, server: null }

/** Asks once; gives what was told, or why there was nothing. */
function answer(open: OpenFinder): Promise<Told | string> {
  return new Promise((resolve) => {
    const finder = open({
      told(answered) {
        resolve(answered)
        finder.close()
      },
      ended: resolve,
    })
    finder.ask([stranger, stranger])
  })
}

test('a thread and a service tell the same', async () => {
  const service = await programService({ uid: process.getuid?.() ?? 0, dir: join(tempFolder('service'), 'programs') })
  for (const open of [threadFinder(), socketFinder(service.path)]) {
    const answered = await answer(open)
    assert.deepEqual(typeof answered === 'string' ? answered : answered.programs, [null, null])
  }
  service.close()
})

test('one that cannot be reached has failed', async () => {
  assert.equal(await answer(socketFinder(join(tempFolder('service'), 'none.sock'))), 'failed')
  assert.equal(await answer(threadFinder(pathToFileURL(join(tempFolder('thread'), 'none.mjs')))), 'failed')
})
