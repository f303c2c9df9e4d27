import { chmodSync, lchownSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { threadFinder } from './finder.ts'
import type { Finder, Told } from './finder.ts'
import type { Ends } from './socket-table.ts'

/** Tells another account which programs of this machine opened connections: for doors that run with fewer rights than their agent. */
export type ProgramService = {
  /** A Unix socket that only this account and ours can open, in a folder of ours. */
  readonly path: string
  readonly close: () => void
}

/**
 * Resolves when it can be asked; rejects, with nothing left behind, when this account may not give it to the other. `dir` is made for it, in a
 * folder that is only ours to write; what one that was killed has left there is removed.
 */
export async function programService({ uid, dir }: Options): Promise<ProgramService> {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { mode: 0o700 })
  const path = join(dir, 'programs.sock')
  const open = new Set<Socket>()
  const thread = sharedThread()
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    answer(socket, thread.ask)
  })
  server.maxConnections = MAX_CONNECTIONS
  const close = (): void => {
    server.close()
    thread.close()
    for (const socket of open) socket.destroy()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve)
    })
    chmodSync(path, 0o600)
    if (uid !== process.getuid?.()) lchownSync(path, uid, 0)
    // Others pass through it, and see nothing in it.
    chmodSync(dir, 0o711)
  } catch (cause) {
    close()
    throw cause
  }
  server.unref()
  return { path, close }
}

type Options = { readonly uid: number; readonly dir: string }

/** One thread for all who ask. It is there before the first of them: whoever asks first must not wait for it. */
function sharedThread(): { readonly ask: Ask; readonly close: () => void } {
  let waiting: ((answered: Told) => void)[] = []
  const ended = (): void => {
    const all = waiting
    waiting = []
    finder = undefined
    for (const tell of all) tell({ programs: [], restMs: AGAIN_MS })
  }
  const start = (): Finder => threadFinder()({ told: (answered) => waiting.shift()?.(answered), ended })
  let finder: Finder | undefined = start()
  return {
    ask(ends, tell) {
      finder ??= start()
      waiting.push(tell)
      finder.ask(ends)
    },
    close: () => finder?.close(),
  }
}

type Ask = (ends: readonly Ends[], tell: (answered: Told) => void) => void

function answer(socket: Socket, ask: Ask): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('error', () => undefined)
  socket.on('data', (text: string) => {
    const [line, ...others] = (rest + text).split('\n')
    if (others.length === 0) {
      rest = line ?? ''
      if (rest.length > MAX_QUESTION) socket.destroy()
      return
    }
    rest = others.join('\n')
    const asked = questionIn(line ?? '')
    if (asked === undefined || rest !== '') return void socket.destroy()
    // Nobody asks again before he has been told.
    socket.pause()
    ask(asked, (answered) => {
      socket.write(`${JSON.stringify(answered)}\n`)
      socket.resume()
    })
  })
}

/** What is asked by a process that is trusted less. */
export function questionIn(line: string): readonly Ends[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!Array.isArray(value) || value.length > MAX_ENDS) return undefined
  const asked = value.map(endsIn)
  return asked.every((ends) => ends !== undefined) ? asked : undefined
}

function endsIn(value: unknown): Ends | undefined {
  if (typeof value !== 'object' || value === null || !('client' in value) || !('server' in value)) return undefined
  const client = endpointIn(value.client)
  const server = value.server === null ? null : endpointIn(value.server)
  return client === undefined || server === undefined ? undefined : { client, server }
}

function endpointIn(value: unknown): Ends['client'] | undefined {
  if (typeof value !== 'object' || value === null || !('address' in value) || !('port' in value)) return undefined
  const { address, port } = value
  if (typeof address !== 'string' || isIP(address) === 0 || typeof port !== 'number') return undefined
  return Number.isInteger(port) && port >= 0 && port < 65_536 ? { address, port } : undefined
}

const AGAIN_MS = 60_000
const MAX_ENDS = 1_000
const MAX_QUESTION = 262_144
/** As many as there may be workers. */
const MAX_CONNECTIONS = 1_024
