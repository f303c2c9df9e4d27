import { isIPv4 } from 'node:net'
import { addressBytes } from '../../lib/address-bytes.ts'

export type Endpoint = { readonly address: string; readonly port: number }

/** A connection as its client's socket knows it. `server` is null where the client was led elsewhere than it asked for. */
export type Ends = { readonly client: Endpoint; readonly server: Endpoint | null }

/** The text of /proc/net/tcp and tcp6 piece by piece, searched for the client's sockets of connections. */
export type SocketSearch = {
  /** More of a table, cut anywhere. */
  readonly push: (text: string) => void
  /** The table is at its end; another may follow. */
  readonly end: () => void
  /** The inode of the client's socket of each connection, in order. Undefined where there is none, or more than one that fits. */
  readonly inodes: () => (string | undefined)[]
}

/**
 * Columns are those of the kernel's Documentation/networking/proc_net_tcp.rst; addresses are 32-bit words in the byte order of the
 * machine. An IPv4 client may hold an IPv6 socket with a mapped address. What has no inode is not held by anyone any more.
 */
export function socketSearch(asked: readonly Ends[], littleEndian: boolean): SocketSearch {
  const wanted = new Map<string, Row[]>()
  const searched = asked.map(({ client, server }) => {
    const keys = columnsOf(client, littleEndian)
    const rows = wanted.get(keys[0] as string) ?? []
    for (const key of keys) wanted.set(key, rows)
    return { rows, servers: server === null ? undefined : columnsOf(server, littleEndian) }
  })
  let rest = ''
  const line = (text: string): void => {
    const from = text.indexOf(': ') + 2
    const rows = wanted.get(text.slice(from, text.indexOf(' ', from)))
    if (rows === undefined || rows.length >= maxRows) return
    const [, remote = '', , , , , , , inode = '0'] = text.slice(from).trimEnd().split(/ +/)
    if (/^[1-9]\d{0,19}$/.test(inode)) rows.push({ remote, inode })
  }
  return {
    push(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const one of lines) line(one)
    },
    // A line that was cut off is left out.
    end: () => void (rest = ''),
    inodes: () =>
      searched.map(({ rows, servers }) => {
        const fit = servers === undefined ? rows : rows.filter(({ remote }) => servers.includes(remote))
        return fit.length === 1 ? fit[0]?.inode : undefined
      }),
  }
}

type Row = { readonly remote: string; readonly inode: string }

/** An end of a connection as the tables may spell it. */
function columnsOf({ address, port }: Endpoint, littleEndian: boolean): string[] {
  const bytes = addressBytes(address)
  const spelled = isIPv4(address) ? [bytes, Buffer.concat([mapped, bytes])] : [bytes]
  const tail = port.toString(16).padStart(4, '0')
  return spelled.map((some) => `${words(some, littleEndian)}:${tail}`.toUpperCase())
}

function words(bytes: Buffer, littleEndian: boolean): string {
  return littleEndian ? Buffer.from(bytes).swap32().toString('hex') : bytes.toString('hex')
}

const mapped = Buffer.from('00000000000000000000ffff', 'hex')
/** Of one local address and port; each has another remote end. */
const maxRows = 64
