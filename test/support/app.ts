import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { openLog } from '../../src/lib/log.ts'
import type { Log } from '../../src/lib/log.ts'
import { tempFolder } from './temp.ts'

/** The configuration of a folder of its own, with a file that says this; any port unless it names one. */
export function configIn(dir: string = tempFolder('app'), says: Readonly<Record<string, object>> = {}): Config {
  const anyPort = { listen: '127.0.0.1:0' }
  const { proxy, console, ...rest } = says
  const file = join(dir, 'sallyport.yaml')
  writeFileSync(file, stringify({ proxy: { ...anyPort, ...proxy }, console: { ...anyPort, ...console }, ...rest }))
  return loadConfig({ file, env: {}, cwd: dir })
}

/** A log that is kept, one JSON object a line. */
export async function keptLog(): Promise<{ readonly log: Log; readonly text: () => string }> {
  const to = new PassThrough()
  const chunks: Buffer[] = []
  to.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    log: await openLog({ level: 'info', format: 'json', to }),
    text: () => Buffer.concat(chunks).toString(),
  }
}
