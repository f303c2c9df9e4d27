import type { Server } from 'node:net'
import { SallyportError } from '../core/errors.ts'

export type Address = { readonly host: string; readonly port: number }

/**
 * Listens; resolves with the address in use (its port, when 0 was asked for). Rejects with address_in_use and the like. `apart`: where several
 * processes listen, the kernel divides connections among them by chance, instead of the one that started them by turns.
 */
export function listen(server: Server, address: Address, apart = false): Promise<Address> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(listenFault(error, address))
    server.once('error', failed)
    const { port } = address
    const host = address.host === '' ? '::' : address.host
    // On any free port each would have another.
    const own = apart && port !== 0 ? { exclusive: true, reusePort: true } : {}
    server.listen({ host, port, backlog: 1_024, ...own }, () => {
      server.off('error', failed)
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? { host: address.host, port: bound.port } : address)
    })
  })
}

export function addressText({ host, port }: Address): string {
  return `${host === '' ? '[::]' : host.includes(':') ? `[${host}]` : host}:${port}`
}

function listenFault(error: NodeJS.ErrnoException, address: Address): SallyportError {
  const where = addressText(address)
  if (error.code === 'EADDRINUSE') return new SallyportError('address_in_use', `${where} is in use`, { cause: error })
  const why =
    error.code === 'EACCES' ? 'not permitted: ports below 1024 need privileges' : (error.code ?? error.message)
  return new SallyportError('config_invalid', `cannot listen on ${where}: ${why}`, {
    cause: error,
    hint: 'Choose another address.',
  })
}
