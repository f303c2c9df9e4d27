import { stat } from 'node:fs/promises'
import { loadConfig } from '../../config/load.ts'
import type { ConfigSource } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { SallyportError } from '../../core/errors.ts'
import { accountOf, ownGroup } from './accounts.ts'
import type { Account } from './accounts.ts'
import type { AgentPlan } from './agent.ts'
import { listenersOf } from './listeners.ts'

/** What the operator asks for. */
export type Wish = {
  readonly source: ConfigSource
  /** Names of users; none of them and no `machine`: who called sudo. */
  readonly users: readonly string[]
  readonly machine: boolean
  readonly except: readonly string[]
  /** Whom the doors run as; undefined: who called sudo, or whose the data folder is. */
  readonly as: string | undefined
}

/** What an agent needs for it. Rejects with config_invalid what cannot be. */
export async function planFor(
  wish: Wish,
): Promise<Pick<AgentPlan, 'config' | 'source' | 'who' | 'listeners' | 'group' | 'as'>> {
  const { source, machine } = wish
  const config = loadConfig(source)
  const sudo = callerOf(source.env)
  const names = wish.users.length === 0 && sudo !== undefined ? [sudo] : wish.users
  if (!machine && names.length === 0) throw unsaid('whose traffic is redirected', '--user NAME, or --machine')
  const captured = machine ? [] : await Promise.all(names.map((name) => accountOf(name)))
  const except = await Promise.all(wish.except.map((name) => accountOf(name)))
  return {
    config,
    source,
    who: machine ? { kind: 'machine', except } : { kind: 'users', accounts: captured },
    listeners: listenersOf(config),
    group: await ownGroup(captured),
    as: await doorsAccount(wish.as ?? sudo, config),
  }
}

/** Who called sudo; root itself is not meant. */
export function callerOf(env: ConfigSource['env']): string | undefined {
  const { SUDO_USER: name } = env
  return name === undefined || name === '' || name === 'root' ? undefined : name
}

/** Never root by accident: what takes the machine's traffic apart needs no right but its data folder. */
async function doorsAccount(name: string | undefined, { data }: Config): Promise<Account> {
  if (name !== undefined) return accountOf(name)
  const owner = await stat(data.dir).then(
    ({ uid }) => uid,
    () => 0,
  )
  if (owner !== 0) return accountOf(String(owner))
  throw unsaid('whom the doors run as', '--as NAME')
}

function unsaid(what: string, flag: string): SallyportError {
  return new SallyportError('config_invalid', `nothing says ${what}`, { hint: `Say ${flag}.` })
}
