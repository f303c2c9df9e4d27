import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Ends } from './socket-table.ts'

/** Who looks for programs. It is asked again only when it has told. */
export type Finder = {
  readonly ask: (ends: readonly Ends[]) => void
  readonly close: () => void
}

/** In the order of what was asked. `restMs`: how long to wait before more is asked. */
export type Told = { readonly programs: readonly (string | null)[]; readonly restMs: number }

export type FinderEvents = {
  readonly told: (told: Told) => void
  /** It tells no more. */
  readonly ended: (why: 'closed' | 'failed') => void
}

export type OpenFinder = (events: FinderEvents) => Finder

/** A thread of this process: it may look into processes that this one may look into. */
export function threadFinder(program: URL = threadFile): OpenFinder {
  return ({ told, ended }) => {
    let why: 'closed' | 'failed' = 'closed'
    const worker = new Worker(program, {
      name: 'programs',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4, codeRangeSizeMb: 8 },
    })
    worker.unref()
    worker.on('message', told)
    worker.on('error', () => (why = 'failed'))
    worker.on('exit', () => ended(why))
    return { ask: (ends) => worker.postMessage(ends), close: () => void worker.terminate() }
  }
}

/** The program service of an agent with more rights, at a Unix socket: a line of JSON for each question and each answer. */
export function socketFinder(path: string): OpenFinder {
  return ({ told, ended }) => {
    let why: 'closed' | 'failed' = 'closed'
    let rest = ''
    const socket = connect(path)
    socket.unref()
    socket.setEncoding('utf8')
    socket.on('error', () => (why = 'failed'))
    socket.on('close', () => ended(why))
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) told(JSON.parse(line) as Told)
    })
    return { ask: (ends) => void socket.write(`${JSON.stringify(ends)}\n`), close: () => void socket.destroy() }
  }
}

/** What says where the program service of the agent is that started us. */
export const PROGRAMS_VARIABLE = 'SALLYPORT_PROGRAMS'

const threadFile = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url)
