import { clients, tools, type Client, type Tool } from '../test/clients/index.ts'
import { cacheFolder } from '../test/clients/toolchains.ts'
import { testAuthority } from '../test/support/authority.ts'
import { fakeProviders } from '../test/support/fake-providers.ts'
import { startOrigin, type Origin } from '../test/support/origin.ts'
import { startSallyport, type Installation, type Sallyport } from '../test/support/sallyport.ts'
import { repository } from './source-files.ts'
import { testEnvironment } from './test.ts'

export type Outcome = { readonly client: string } & (
  | { readonly kind: 'ok' }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'fail'; readonly reason: string }
)

/** The last line: `N passed, N failed, N skipped`. */
export function summary(outcomes: readonly Outcome[]): string {
  const count = (kind: Outcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length
  return `${count('ok')} passed, ${count('fail')} failed, ${count('skip')} skipped`
}

async function main(wanted: readonly string[]): Promise<number> {
  process.chdir(repository)
  for (const name of Object.keys(process.env)) if (!(name in testEnvironment({ [name]: '' }))) delete process.env[name]
  const isWanted = ({ name }: { name: string }) => wanted.length === 0 || wanted.some((part) => name.includes(part))
  const authority = testAuthority()
  await using origin = await startOrigin(fakeProviders({ delta: 5 }), {
    authority,
    names: ['api.openai.com', 'api.anthropic.com'],
  })
  const origins = { 'api.openai.com:443': origin, 'api.anthropic.com:443': origin }
  await using sallyport = await startSallyport({ authority, origins })
  const prepared = new Map<string, string | { readonly skip: string }>()
  const outcomes: Outcome[] = []
  for (const client of [...clients, ...tools].filter(isWanted)) {
    const { toolchain } = client
    const program = prepared.get(toolchain.name) ?? toolchain.prepare(cacheFolder(toolchain.name))
    prepared.set(toolchain.name, program)
    const outcome = await outcomeOf(client, program, sallyport, origin)
    outcomes.push(outcome)
    console.log(outcome.kind === 'ok' ? `ok: ${client.name}` : `${outcome.kind}: ${client.name}: ${outcome.reason}`)
  }
  console.log(summary(outcomes))
  return outcomes.some((outcome) => outcome.kind === 'fail') ? 1 : 0
}

async function outcomeOf(
  client: Client | Tool,
  program: string | { readonly skip: string },
  sallyport: Sallyport,
  origin: Origin,
): Promise<Outcome> {
  const { name } = client
  if (typeof program !== 'string') return { client: name, kind: 'skip', reason: program.skip }
  if ('command' in client) return tried(client, program, sallyport, origin)
  const reason = await client.trial(program, sallyport)
  return reason === undefined ? { client: name, kind: 'ok' } : { client: name, kind: 'fail', reason }
}

async function tried(client: Client, program: string, sallyport: Installation, origin: Origin): Promise<Outcome> {
  const before = origin.seen.length
  const ran = await sallyport.run(['exec', '--', ...client.command(program), `please use ${secret} for it`], {
    cwd: repository,
  })
  const seen = origin.seen.slice(before)
  const said = `${ran.stdout}\n${ran.stderr}`.trim()
  const fail = (reason: string): Outcome => ({ client: client.name, kind: 'fail', reason })
  if (ran.status !== 0) return fail(`exit status ${ran.status}: ${said.slice(-600)}`)
  if (seen.length !== client.exchanges) return fail(`the origin saw ${seen.length} requests, not ${client.exchanges}`)
  if (seen.some((request) => request.text().includes(secret))) return fail('the origin saw the secret')
  if (!seen.every((request) => request.text().includes('please use '))) return fail('the origin did not see the prompt')
  if (!ran.stdout.includes('200')) return fail(`no status 200: ${said.slice(-600)}`)
  if (ran.stdout.split(secret).length - 1 !== client.exchanges)
    return fail(`the secret was not restored: ${said.slice(-600)}`)
  return { client: client.name, kind: 'ok' }
}

// Made up, in the shape of an AWS access key.
const secret = 'AKIAZK3QXW5TN7RBJ2VD'

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
