// What verifies attestations in the proxy, without the network around it: `verifier.ts FILE`. Takes jobs and gives results by IPC.
import { setTimeout as delay } from 'node:timers/promises'
import { openAttestation } from '../../../src/app/attestation.ts'
import { attestationTerms } from '../../../src/app/attestation-terms.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { RawHeaders } from '../../../src/core/http.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { badFields, goodFields, type Fields } from '../attest-fields.ts'
import type { JobResult, VerifyJob } from '../jobs.ts'
import { quantile } from '../report.ts'

const [file] = process.argv.slice(2)
const config = loadConfig({ file, env: process.env, cwd: process.cwd() })
const { verifier } = openAttestation({ dir: config.data.dir, config: () => config, log: silentLog() })
const terms = attestationTerms({}, config.attestation)
if (terms === undefined) throw new Error('no attestations are accepted')
const authority = 'api.openai.com:443'

/** One good one every few milliseconds, beside bad ones at their rate. Times count from when it should have begun. */
async function verify({ badPerSecond, addresses, ms, signing }: VerifyJob): Promise<JobResult> {
  const good = goodFields(signing, authority, Math.ceil(ms / everyMs) + 1).map(headersOf)
  const bad = badFields(signing, authority, 4_096).map(headersOf)
  const times: number[] = []
  let failures = 0
  const running: Promise<void>[] = []
  const start = performance.now()
  const ask = async (headers: RawHeaders, due: number): Promise<void> => {
    const { outcome } = await verifier.connect({ headers, clientIp: '192.0.2.1', authority, terms: terms! })
    if (outcome === 'valid') times.push(performance.now() - start - due)
    else failures++
  }
  let [asked, sent] = [0, 0]
  for (let passed = 0; passed < ms; passed = performance.now() - start) {
    for (; sent < (passed * badPerSecond) / 1_000; sent++) {
      const n = sent % addresses
      const clientIp = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
      const headers = bad[sent % bad.length] as RawHeaders
      void verifier.connect({ headers, clientIp, authority, terms: terms! })
    }
    for (; asked * everyMs < passed; asked++) running.push(ask(good[asked] as RawHeaders, asked * everyMs))
    await delay(1)
  }
  await Promise.all(running)
  return {
    exchanges: times.length,
    failures,
    ms: passedSince(start),
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  }
}

function headersOf(fields: Fields): RawHeaders {
  const lines = fields.split('\r\n').filter((line) => line !== '')
  return lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)])
}

const passedSince = (start: number): number => performance.now() - start
const everyMs = 5

process.on('message', (job: VerifyJob) => {
  void verify(job).then(
    (result) => process.send?.({ result }),
    (cause: unknown) => process.send?.({ failed: String(cause) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
