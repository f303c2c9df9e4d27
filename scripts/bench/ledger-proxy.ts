import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installSallyport } from '../../test/support/sallyport.ts'
import { repository } from '../source-files.ts'
import { contestant, startPinned, type Contestant, type Setting } from './children.ts'
import type { Candidate } from './contestants.ts'
import { measure, warmUp } from './measure.ts'
import type { Measured, Workload } from './results.ts'
import { knownHost, startSession } from './session.ts'

/** What the ledger costs traffic: the same proxy with the same policy, that records nothing, or with each durability. */
export async function measureProxy(ms: number, rounds: number): Promise<Measured[]> {
  const session = await startSession([knownHost])
  const contestants: Contestant[] = []
  try {
    for (const candidate of candidates) {
      const started = await session.start(candidate)
      if (started !== undefined) contestants.push(started)
    }
    await warmUp(session.client, contestants)
    return await measure(session.client, contestants, workloads(ms), rounds)
  } finally {
    for (const one of contestants) await one.stop()
    session.close()
  }
}

const candidates: readonly Candidate[] = ['off', 'relaxed', 'crash', 'power'].map((ledger) => ({
  name: ledger,
  start: (setting) => startWith(ledger, setting),
}))

/** Without the ledger no body is captured either. */
async function startWith(ledger: string, { authority, originPort, hosts }: Setting): Promise<Contestant> {
  const audit = ledger === 'off' ? { bodies: { capture: false } } : { durability: ledger }
  const installation = await installSallyport({
    authority,
    origins: Object.fromEntries(hosts.map((host) => [`${host}:443`, { address: `127.0.0.1:${originPort}` }])),
    policies: { '10-default.yaml': readFileSync(join(repository, 'policies/10-default.yaml'), 'utf8') },
    config: { audit },
  })
  const script = fileURLToPath(new URL('peers/ours-in-process.ts', import.meta.url))
  const args = ['--disable-warning=ExperimentalWarning', script, installation.file, ledger]
  const child = startPinned(0, process.execPath, args, {}, true)
  const [{ port }] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [{ port: number }]
  return contestant(ledger, child, { proxyPort: port, targetPort: 443, ca: installation.ca() })
}

function workloads(ms: number): Workload[] {
  const load = (connections: number): Workload['job'] => {
    return (route) => ({
      kind: 'load',
      host: knownHost,
      connections,
      requestBytes: 2_048,
      answer: 'json',
      ms,
      ...route,
    })
  }
  return [
    { name: 'chat-1', per: 'request', title: '2 KB chat request and answer, 1 at once', job: load(1) },
    { name: 'chat-32', per: 'request', title: '2 KB chat request and answer, 32 at once', job: load(32) },
  ]
}
