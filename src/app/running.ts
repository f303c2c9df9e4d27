import { request } from 'node:http'
import type { Config } from '../config/schema.ts'

/** The proxy address of an instance that runs with this configuration and this authority and lets anybody in; undefined when there is none. */
export async function runningProxy(config: Config, fingerprint: string): Promise<string | undefined> {
  for (const address of config.console.listen) {
    const told = await readiness(
      address.host === '' || address.host === '0.0.0.0' || address.host === '::' ? '127.0.0.1' : address.host,
      address.port,
    )
    if (told?.ca === fingerprint && told.proxy !== undefined && told.auth === 'none') return reachable(told.proxy)
  }
  return undefined
}

/** A door on every address is reached by loopback. */
export function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1')
}

type Told = { readonly ca: string; readonly proxy: string | undefined; readonly auth: unknown }

function readiness(host: string, port: number): Promise<Told | undefined> {
  return new Promise((resolve) => {
    if (port === 0) return resolve(undefined)
    const asking = request({ host, port, path: '/readyz', timeout: 1_000, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > 65_536) asking.destroy()
      })
      response.on('end', () => resolve(response.statusCode === 200 ? parsed(body) : undefined))
    })
    asking.on('timeout', () => asking.destroy())
    asking.on('error', () => resolve(undefined))
    asking.on('close', () => resolve(undefined))
    asking.end()
  })
}

function parsed(body: string): Told | undefined {
  try {
    const { ca, proxy, auth } = JSON.parse(body) as { ca?: unknown; proxy?: unknown; auth?: unknown }
    return typeof ca === 'string' && Array.isArray(proxy)
      ? { ca, proxy: proxy.find((one): one is string => typeof one === 'string'), auth }
      : undefined
  } catch {
    return undefined
  }
}
