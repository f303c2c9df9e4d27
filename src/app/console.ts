import type { Config } from '../config/schema.ts'
import { consoleDoor } from '../console/server.ts'
import type { Health } from '../console/server.ts'
import { addressSet } from '../lib/ip.ts'
import type { Tell } from './acts.ts'
import { enrolmentDesk } from './enrolment.ts'
import { addressText, listen } from './listen.ts'
import { consoleToken } from './secrets.ts'

/** What the console asks of the processes that serve. */
export type Running = {
  readonly proxy: readonly string[]
  /** Where redirected connections are taken. */
  readonly transparent?: readonly string[]
  readonly health: () => Health | Promise<Health>
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>
  readonly reload: (config: Config) => Promise<void>
  readonly stop: (graceMs: number) => Promise<void>
}

export type OpenConsole = {
  readonly address: string
  readonly reload: (config: Config) => void
  readonly close: () => Promise<void>
}

/** Opens the console on the first of its addresses and all others. */
export async function openConsole(config: Config, running: Running, tell: Tell = () => {}): Promise<OpenConsole> {
  const token = config.console.token ?? (await consoleToken(config.data.dir, () => tell({ what: 'console.token' })))
  let current = config
  const enroll = enrolmentDesk(() => current)
  const servers = config.console.listen.map((wanted) => ({
    wanted,
    server: consoleDoor({
      health: async () => {
        const health = await running.health()
        return { ...health, facts: { ...health.facts, proxy: running.proxy } }
      },
      metrics: running.metrics,
      token: () => token,
      enroll,
      local: wanted.host === 'localhost' || isLoopback(wanted.host),
    }),
  }))
  const close = async (): Promise<void> => {
    for (const { server } of servers) {
      server.closeAllConnections()
      server.close()
    }
  }
  const addresses: string[] = []
  try {
    for (const { server, wanted } of servers) addresses.push(addressText(await listen(server, wanted)))
  } catch (error) {
    await close()
    throw error
  }
  const reload = (next: Config): void => void (current = next)
  return { address: addresses[0] ?? '', reload, close }
}

const isLoopback = addressSet(['127.0.0.0/8', '::1/128'])
