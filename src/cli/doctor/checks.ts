import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { namedFiles } from '../../app/named-files.ts'
import { laterKeys } from '../../config/later.ts'
import { problemLine } from '../../config/problems.ts'
import { formatProblem } from '../../lib/yaml-strict.ts'
import type { Check, Finding, Machine, SetUp } from './check.ts'
import { certificateFiles, certificateClock } from './authority.ts'
import { devicesLast } from './devices.ts'
import { doorsAreFreeOrOurs } from './doors.ts'
import { sinksDeliver } from './sinks.ts'
import { applicationVariables } from './variables.ts'

/** Every check, in the order in which a person would look. */
export const checks: readonly Check[] = [
  { name: 'node', needs: 'nothing', run: nodeVersion },
  { name: 'configuration', needs: 'nothing', run: validConfiguration },
  { name: 'data folder', needs: 'config', run: dataFolder },
  { name: 'disk', needs: 'config', run: diskSpace },
  { name: 'open files', needs: 'config', run: openFiles },
  { name: 'authority', needs: 'config', run: certificateFiles },
  { name: 'clock', needs: 'config', run: certificateClock },
  { name: 'policies', needs: 'config', run: policiesLoad },
  { name: 'ledger', needs: 'config', run: ledgerOpens },
  { name: 'devices', needs: 'config', run: (setUp) => devicesLast(setUp) },
  { name: 'sinks', needs: 'config', run: sinksDeliver },
  { name: 'doors', needs: 'config', run: doorsAreFreeOrOurs },
  { name: 'variables', needs: 'config', run: applicationVariables },
]

async function nodeVersion(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const message = `Node ${process.versions.node}`
  if (major > 24 || (major === 24 && minor >= 15)) return { status: 'ok', message }
  return { status: 'fail', message, hint: 'Sallyport needs Node 24.15 or newer; `npm ci` brings it' }
}

async function validConfiguration({ configuration }: Machine): Promise<Finding> {
  const { problems } = 'problems' in configuration ? configuration : namedFiles(configuration)
  if ('problems' in configuration || problems.length > 0) {
    const [first] = problems
    const more = problems.length - 1
    const message = `${first === undefined ? '' : problemLine(first)}${more > 0 ? `, and ${more} more` : ''}`
    return { status: 'fail', message, hint: '`sallyport config check` prints every problem' }
  }
  const later = laterKeys(configuration.config)
  const about = configuration.file ?? 'no file, all defaults'
  if (later.length === 0) return { status: 'ok', message: `valid: ${about}` }
  return { status: 'warn', message: `${about}: accepted, but not yet in force: ${later.join(', ')}` }
}

async function dataFolder({ config }: SetUp): Promise<Finding> {
  const { dir } = config.data
  const nearest = existingParent(dir)
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK)
  } catch {
    const hint = 'give its owner the right to write there, or set data.dir to another folder'
    return { status: 'fail', message: `${nearest} cannot be written`, hint }
  }
  if (nearest !== dir) return { status: 'ok', message: `${dir} will be made on the first start` }
  const { mode } = statSync(dir)
  if (!statSync(dir).isDirectory()) return { status: 'fail', message: `${dir} is not a folder` }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    return { status: 'warn', message: `${dir} can be read by other users`, hint: `chmod 700 ${dir}` }
  }
  return { status: 'ok', message: `${dir} can be written` }
}

async function diskSpace({ config }: SetUp): Promise<Finding> {
  const { bavail, bsize } = statfsSync(existingParent(config.data.dir))
  const free = bavail * bsize
  const message = `${gigabytes(free)} free for ${config.data.dir}`
  if (free >= COMFORTABLE_BYTES) return { status: 'ok', message }
  const hint = 'make room, or lower audit.retention; a ledger that cannot be written stops the traffic'
  return { status: free < SCARCE_BYTES ? 'fail' : 'warn', message, hint }
}

async function openFiles({ config }: SetUp): Promise<Finding> {
  const needed = config.limits.connections * DESCRIPTORS_PER_CONNECTION
  const limit = descriptorLimit()
  if (limit === undefined) return { status: 'ok', message: 'no limit that can be read' }
  const message = `${limit} open files are allowed`
  if (limit >= needed) return { status: 'ok', message }
  const hint = `limits.connections: ${config.limits.connections} needs ${needed}: raise \`ulimit -n\`, or lower it`
  return { status: 'warn', message, hint }
}

async function policiesLoad({ config }: SetUp): Promise<Finding> {
  const { dir } = config.policies
  if (!existsSync(dir)) return { status: 'ok', message: `${dir} will be made on the first start` }
  const { checkPolicies, packFoldersFor } = await import('../../policy/load.ts')
  const { catalogueHosts } = await import('../../app/catalogue.ts')
  const checked = await checkPolicies({ dir, packFolders: packFoldersFor(dir), catalogue: catalogueHosts() })
  const { unvouchedHosts } = await import('../policy-constraints.ts')
  const problems = 'problems' in checked ? checked.problems : await unvouchedHosts(checked, config.ca.dir)
  const [first] = problems
  if (first === undefined) return { status: 'ok', message: `the policies in ${dir} are valid` }
  const more = problems.length > 1 ? `, and ${problems.length - 1} more` : ''
  const hint = '`sallyport policy check` prints every problem'
  return { status: 'fail', message: `${formatProblem(first)}${more}`, hint }
}

async function ledgerOpens({ config }: SetUp): Promise<Finding> {
  if (config.audit.store !== 'sqlite') return { status: 'ok', message: 'not looked at: it is not on this machine' }
  const { databasePath, openStoreForReading } = await import('../../store/open.ts')
  const path = databasePath(config.data.dir)
  if (!existsSync(path)) return { status: 'ok', message: `${path} will be made on the first start` }
  const store = openStoreForReading({ dir: config.data.dir })
  try {
    const { whyNotWritable } = await import('./ledger-writable.ts')
    const fault = whyNotWritable(path)
    if (fault !== undefined) return fault
    const size = statSync(path).size
    if (size > MOST_CHECKED_BYTES)
      return { status: 'ok', message: `${path} opens (${gigabytes(size)}, too large to check)` }
    const said = store.pragma('quick_check(1)', { simple: true })
    if (said === 'ok') return { status: 'ok', message: `${path} is sound` }
    return {
      status: 'fail',
      message: `${path} is damaged`,
      hint: 'stop Sallyport and move it aside; a new one is made',
    }
  } finally {
    store.close()
  }
}

function existingParent(path: string): string {
  let here = path
  while (!existsSync(here) && dirname(here) !== here) here = dirname(here)
  return here
}

function descriptorLimit(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return soft === undefined ? undefined : Number(soft)
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`

const COMFORTABLE_BYTES = 1e9
const SCARCE_BYTES = 1e8
const MOST_CHECKED_BYTES = 1e9
const DESCRIPTORS_PER_CONNECTION = 2
