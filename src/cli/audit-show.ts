import type { Command as Commander } from 'commander'
import { bodyKeys } from '../app/body-keys.ts'
import type { LedgerRow } from '../audit/find/presented.ts'
import { contentReader, type ContentReader } from '../audit/bodies/read-content.ts'
import { showBody, type Shown, showRow } from '../audit/find/show.ts'
import { Unreadable } from '../audit/bodies/spill-stream.ts'
import { loadConfig } from '../config/load.ts'
import { openStoreForReading, type Store } from '../store/open.ts'
import { readable } from './audit-flags.ts'
import { shownRow } from './audit-text.ts'
import { type CliCommand, type Io, UsageError } from './command.ts'
import { jsonLine, printJson, printLines } from './output.ts'

type Flags = { readonly config?: string; readonly json?: boolean; readonly body?: string }

/** `audit show ID`: a row with its bodies, or one body as it was. */
export function showCommand(command: Commander, io: Io, run: Parameters<CliCommand['build']>[2]): void {
  readable(command.command('show <id>').description('print one row with its bodies, by its id or the beginning of it'))
    .option('--body <side>', 'only this body, as it was: request or response')
    .action(run((id: string, _: unknown, self: Commander) => show(id, self.optsWithGlobals(), io)))
}

async function show(id: string, flags: Flags, io: Io): Promise<number> {
  const { body } = flags
  if (body !== undefined && body !== 'request' && body !== 'response') {
    throw new UsageError('--body is request or response')
  }
  const config = loadConfig({ ...(flags.config === undefined ? {} : { file: flags.config }), env: io.env, cwd: io.cwd })
  const warn = (message: string): void => void io.stderr.write(`warning: ${message}\n`)
  const { dir } = config.data
  const reader = contentReader({ dir, keys: bodyKeys(config, warn, io.env) })
  const db = openStoreForReading({ dir })
  try {
    return await (body === undefined ? whole(db, reader, id, flags, io) : raw(db, reader, { id, side: body }, io))
  } finally {
    db.close()
  }
}

async function whole(db: Store, reader: ContentReader, id: string, flags: Flags, io: Io): Promise<number> {
  const shown = await showRow(db, reader, id, SHOWN_BYTES)
  if (shown.kind !== 'row') return notFound(id, shown, io)
  for (const { side, reason } of shown.unshown) io.stderr.write(`note: the ${side} body is not shown: ${reason}\n`)
  if (shown.unshown.some(({ why }) => why === 'too-large')) {
    io.stderr.write('hint: `--body request` and `--body response` print one of any size\n')
  }
  if (flags.json === true) await printJson(io, shown.row)
  else await printLines(io, shownRow(withoutBinary(shown.row, io)))
  return 0
}

function withoutBinary(row: LedgerRow, io: Io): LedgerRow {
  const text = { ...row }
  for (const side of ['request', 'response']) {
    if (text[`${side}_body_base64`] === undefined) continue
    delete text[`${side}_body_base64`]
    io.stderr.write(`note: the ${side} body is not text: \`--body ${side}\` prints it\n`)
  }
  return text
}

/** Byte by byte what is stored, for a file or another program. */
async function raw(
  db: Store,
  reader: ContentReader,
  { id, side }: { readonly id: string; readonly side: 'request' | 'response' },
  io: Io,
): Promise<number> {
  const shown = showBody(db, reader, id, side)
  if (shown.kind !== 'body') return notFound(id, shown, io)
  try {
    for await (const piece of shown.pieces) {
      if (!io.stdout.write(piece)) await drained(io.stdout)
      if (!io.stdout.writable) return 0
    }
    return 0
  } catch (cause) {
    if (!(cause instanceof Unreadable)) throw cause
    io.stderr.write(`error: the ${side} body cannot be printed: ${cause.message}\n`)
    return 1
  }
}

async function drained(stream: NodeJS.WritableStream): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const event of ['drain', 'close', 'error']) stream.once(event, resolve)
  })
}

function notFound(id: string, shown: Exclude<Shown, { readonly kind: 'row' }>, io: Io): number {
  io.stderr.write(
    shown.kind === 'none'
      ? `error: no row has the id ${jsonLine(id)}\nhint: \`sallyport audit find\` lists ids\n`
      : `error: several ids begin with ${jsonLine(id)}\nhint: ${shown.ids.join(', ')}\n`,
  )
  return 1
}

const SHOWN_BYTES = 16 * 2 ** 20
