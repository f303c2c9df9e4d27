import { get } from 'node:http'
import { createServer } from 'node:net'
import type { Config } from '../../config/schema.ts'
import { formatAddress } from '../../config/values.ts'
import type { Address } from '../../config/values.ts'
import type { Finding, SetUp } from './check.ts'

/** Whether each door can open: its address is free, or a Sallyport that is running has it. */
export async function doorsAreFreeOrOurs({ config }: SetUp): Promise<Finding> {
  const refused: { address: Address; code: string }[] = []
  for (const address of doorsOf(config)) {
    const code = await refusal(address)
    if (code !== undefined) refused.push({ address, code })
  }
  const [first] = refused
  if (first === undefined) return { status: 'ok', message: 'all addresses are free' }
  const inUse = refused.every(({ code }) => code === 'EADDRINUSE')
  if (inUse && (await isRunning(config))) return { status: 'ok', message: 'Sallyport is running' }
  const message = `cannot listen on ${refused.map(({ address }) => formatAddress(address)).join(', ')}: ${reasonOf(first.code)}`
  return { status: 'fail', message, hint: hints[first.code] }
}

function doorsOf({ proxy, gateway, console }: Config): Address[] {
  return [...proxy.listen, ...proxy.transparent, ...gateway.listen, ...console.listen]
}

/** The code of the error when the address cannot be listened on. */
function refusal({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    server.listen({ host: host === '' ? undefined : host, port, exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    )
  })
}

/** A console of ours answers `/readyz` with 200, or with 503 and the reasons. */
function isRunning({ console }: Config): Promise<boolean> {
  const [address] = console.listen
  if (address === undefined || address.port === 0) return Promise.resolve(false)
  return new Promise((resolve) => {
    const request = get(
      {
        host: address.host === '' ? 'localhost' : address.host,
        port: address.port,
        path: '/readyz',
        timeout: ANSWER_MS,
        agent: false,
      },
      (answer) => {
        answer.resume()
        const isJson = String(answer.headers['content-type']).startsWith('application/json')
        resolve((answer.statusCode === 200 || answer.statusCode === 503) && isJson)
      },
    )
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}

const reasonOf = (code: string): string => reasons[code] ?? code

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has it',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name does not resolve',
}

const hints: Readonly<Record<string, string>> = {
  EADDRINUSE: 'stop that program, or set another address under `listen`',
  EACCES: 'ports below 1024 need a privilege: take a higher one',
  EADDRNOTAVAIL: 'look at the addresses under `listen`',
  ENOTFOUND: 'look at the names under `listen`',
}

const ANSWER_MS = 2000
