import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { SallyportError } from '../../core/errors.ts'
import { TABLE } from './rules.ts'

/** A table of nftables that is there as long as the `nft` that holds it. */
export type Table = {
  readonly pid: number
  /** Sends one more line; rejects with what nft says against it, and nothing has changed then. */
  readonly send: (line: string) => Promise<void>
  /** Resolves when the table is gone, for whatever reason. */
  readonly gone: Promise<void>
  /** Removes the table. */
  readonly release: () => Promise<void>
}

/**
 * Makes the table and holds it. The kernel removes a table with an owner when the netlink socket of its owner is closed
 * (Linux 5.12, nft 1.0), so an `nft` stands in an interactive session, and it ends when its standard input does, be it that
 * we closed it or that we were killed. Rejects with redirect_failed.
 */
export async function holdTable(line: string, { nft = 'nft', answerMs = 10_000 } = {}): Promise<Table> {
  // A session of its own: ^C in the terminal is for us to act on, in our order.
  const child = spawn(nft, ['-i'], { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  child.stdin.on('error', () => undefined)
  const release = async (): Promise<void> => {
    child.stdin.end()
    const kill = setTimeout(() => child.kill('SIGKILL'), 2_000)
    await gone
    clearTimeout(kill)
  }
  const send = (text: string): Promise<void> => sent(child, text, answerMs)
  try {
    await send(line)
  } catch (error) {
    await release()
    throw error
  }
  return { pid: child.pid ?? 0, send, gone, release }
}

/** Of an answer one cannot tell where it ends: that the list asked for behind the line has come tells it. */
function sent(child: ChildProcess, line: string, answerMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let [told, wrong] = ['', '']
    const done = (): void => {
      clearTimeout(late)
      child.stdout?.off('data', hear)
      child.stderr?.off('data', hearError)
      child.off('exit', done).off('error', failed)
      if (wrong === '' && isListed(told)) resolve()
      else reject(refusal(wrong))
    }
    // What it said on the other stream meanwhile comes first.
    const soon = (): void => void setImmediate(done)
    const hear = (chunk: Buffer): void => {
      told = (told + chunk.toString()).slice(-MOST_HEARD)
      if (isListed(told)) soon()
    }
    const hearError = (chunk: Buffer): void => {
      wrong = (wrong + chunk.toString()).slice(0, MOST_HEARD)
      soon()
    }
    const failed = ({ code, message }: NodeJS.ErrnoException): void => {
      wrong = code ?? message
      done()
    }
    const late = setTimeout(done, answerMs)
    child.once('exit', soon).once('error', failed)
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hearError)
    child.stdin?.write(`${line}\nlist tables\n`)
  })
}

const isListed = (told: string): boolean => told.split('\n').includes(`table inet ${TABLE}`)

/** What nft says, as an error with a hint. It repeats the line with a mark under the place: that is left out. */
export function refusal(said: string): SallyportError {
  const reason = /Error: (.*)/.exec(said)?.[1] ?? (said === '' ? 'no answer' : said.split('\n')[0])
  const known = hints.find(({ when }) => when.test(said))
  const message = known?.message ?? `nft refuses the rules: ${reason}`
  return new SallyportError('redirect_failed', message, known === undefined ? {} : { hint: known.hint })
}

const hints: readonly { readonly when: RegExp; readonly message: string; readonly hint: string }[] = [
  {
    when: /^ENOENT$/,
    message: 'nft is not installed',
    hint: 'Install it: the package is nftables.',
  },
  {
    when: /Operation not permitted/,
    message: 'nft may not set the rules: operation not permitted',
    hint: 'This takes root (CAP_NET_ADMIN); or another agent holds the table: see `sallyport agent status`.',
  },
  {
    when: /Operation not supported|unexpected string.*owner|unknown table flag|Invalid argument/s,
    message: 'this system has no tables that end with their owner, or no NAT in nftables',
    hint: 'This takes Linux 5.12 or newer with nf_tables and nft_nat, and nft 1.0 or newer.',
  },
]

const MOST_HEARD = 65_536
