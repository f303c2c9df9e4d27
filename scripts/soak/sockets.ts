import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export type OpenSocket = { readonly local: string; readonly remote: string; readonly state: string }

/** TCP sockets that a process has open and that do not listen, from /proc. */
export function openSockets(pid: number): OpenSocket[] {
  const own = new Set(descriptors(pid).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  return ['tcp', 'tcp6']
    .flatMap((table) => parseTable(readFileSync(`/proc/${pid}/net/${table}`, 'latin1')))
    .filter(({ inode, state }) => own.has(inode) && state !== 'LISTEN')
    .map(({ local, remote, state }) => ({ local, remote, state }))
}

/** Rows of /proc/net/tcp; addresses as `hex:port`. */
export function parseTable(text: string): (OpenSocket & { readonly inode: string })[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
      return {
        local: readable(local),
        remote: readable(remote),
        state: states[Number.parseInt(state, 16)] ?? state,
        inode,
      }
    })
}

function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return [] // closed since
    }
  })
}

function readable(address: string): string {
  const [host = '', port = ''] = address.split(':')
  return `${host}:${Number.parseInt(port, 16)}`
}

const states = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
]
