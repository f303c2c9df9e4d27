import { bodyKeys } from '../app/body-keys.ts'
import type { LedgerRow } from '../audit/find/presented.ts'
import { type ContentReader, contentReader, type ContentRow } from '../audit/bodies/read-content.ts'
import type { Config } from '../config/schema.ts'
import type { Io } from './command.ts'

/**
 * A row with its inline bodies as text where they are encrypted; null for those that cannot be opened, and why on stderr, each reason
 * once. The keys are read for the first row that needs them.
 */
export function inlineOpener(config: Config, io: Io): (row: LedgerRow) => Promise<LedgerRow> {
  const told = new Set<string>()
  let reader: ContentReader | undefined
  const readerOf = (): ContentReader =>
    (reader ??= contentReader({ dir: config.data.dir, keys: bodyKeys(config, (message) => tell(message), io.env) }))
  const tell = (message: string): void => {
    if (told.size >= MOST_REASONS || told.has(message)) return
    told.add(message)
    io.stderr.write(`note: ${message}\n`)
  }
  return async (row) => {
    if (typeof row['body_key'] !== 'string') return row
    const opened: Record<string, unknown> = { ...row }
    for (const side of ['request', 'response'] as const) {
      if (typeof row[`${side}_body`] !== 'string') continue
      const read = await readerOf().read(row as ContentRow, side)
      opened[`${side}_body`] = read.kind === 'content' ? read.bytes.toString('utf8') : null
      if (read.kind === 'unreadable') tell(`a ${side} body is not shown: ${read.reason}`)
    }
    return opened
  }
}

const MOST_REASONS = 5
