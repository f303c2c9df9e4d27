import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { testAuthority } from './authority.ts'
import { fakeProviders, fakeUsage } from './fake-providers.ts'
import { startOrigin, type Origin } from './origin.ts'
import { startSallyport, type Sallyport } from './sallyport.ts'

/** A made-up secret in the shape of an AWS access key, and a sentence around it. */
export const secret = 'AKIAZK3QXW5TN7RBJ2VD'
export const prompt = `deploy with ${secret} please`

/** Sallyport in front of a fake provider that streams three characters at a time, for an SDK in a process of its own. */
export type SdkStage = {
  readonly origin: Origin
  readonly sallyport: Sallyport
  /** Runs a script of test/e2e/clients through `exec`; what it printed as JSON. */
  readonly talk: (script: string) => Promise<Record<string, unknown>>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export async function sdkStage(host: string): Promise<SdkStage> {
  const authority = testAuthority()
  const origin = await startOrigin(fakeProviders({ delta: 3 }), { authority, names: [host] })
  const sallyport = await startSallyport({ authority, origins: { [`${host}:443`]: origin } }).catch(
    async (cause: unknown) => {
      await origin.close()
      throw cause
    },
  )
  const talk = async (script: string) => {
    const path = fileURLToPath(new URL(`../e2e/clients/${script}`, import.meta.url))
    const ran = await sallyport.run([
      'exec',
      '--',
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      path,
      prompt,
    ])
    assert.equal(ran.status, 0, ran.stderr + ran.stdout + sallyport.log())
    return JSON.parse(ran.stdout) as Record<string, unknown>
  }
  const dispose = async () => {
    await sallyport[Symbol.asyncDispose]()
    await origin.close()
  }
  return { origin, sallyport, talk, [Symbol.asyncDispose]: dispose }
}

/** Every request reached the origin without the secret, and with one and the same placeholder in its place. */
export function assertTokenized(origin: Origin): void {
  const placeholders = origin.seen.map((seen) => {
    assert.ok(!seen.text().includes(secret), `the origin saw the secret in ${seen.url}`)
    return /deploy with (.+?) please/.exec(seen.text())?.[1]
  })
  assert.notEqual(placeholders[0], undefined)
  assert.equal(new Set(placeholders).size, 1, placeholders.join())
}

export type Expected = {
  readonly operation: string
  readonly stream: 0 | 1
  readonly tools: string
  readonly input: number | null
}

/** The rows tell what happened, and neither they nor any other file of the folder hold the secret. */
export async function assertRecorded(
  sallyport: Sallyport,
  provider: string,
  model: string,
  expected: readonly Expected[],
): Promise<void> {
  const rows = await sallyport.rowsWhen(
    'exchanges',
    (some) => some.length >= expected.length && some.every((row) => row['state'] !== 'open'),
  )
  const told = rows.map((row) => ({ operation: row['operation'], stream: row['stream'], input: row['input_tokens'] }))
  assert.deepEqual(
    told,
    expected.map(({ operation, stream, input }) => ({ operation, stream, input })),
  )
  for (const [i, row] of rows.entries()) {
    const common = {
      state: row['state'],
      decision: row['decision'],
      provider: row['provider'],
      model: row['model'],
      status: row['status'],
      error: row['error'],
    }
    assert.deepEqual(common, { state: 'done', decision: 'tokenize', provider, model, status: 200, error: null })
    assert.match(String(row['findings']), /SECRET:aws-access-key/)
    assert.match(JSON.stringify(row['tools']), new RegExp(expected[i]?.tools ?? ''))
    assert.match(String(row['request_body']), /deploy with /)
    if (row['output_tokens'] !== null && row['input_tokens'] === fakeUsage.input)
      assert.equal(row['cached_tokens'], fakeUsage.cachedInput)
  }
  assert.deepEqual(sallyport.filesWith(secret), [])
  assert.ok(!sallyport.log().includes(secret))
}
