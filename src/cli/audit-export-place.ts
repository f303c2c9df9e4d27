import { hostname } from 'node:os'
import { bodyKeys } from '../app/body-keys.ts'
import { version } from '../app/version.ts'
import { contentFiller, type ContentFiller } from '../audit/export/content.ts'
import { createSink, type SinkSettings } from '../audit/export/settings.ts'
import { contentReader } from '../audit/bodies/read-content.ts'
import type { SealKey } from '../audit/bodies/seal.ts'
import { sinks } from '../audit/sinks/index.ts'
import type { Sink } from '../audit/sinks/sink.ts'
import type { Config } from '../config/schema.ts'
import { newEventId } from '../core/ids.ts'
import { SallyportError } from '../core/errors.ts'
import { recordEvent } from '../store/events.ts'
import type { Store } from '../store/open.ts'
import type { Io } from './command.ts'
import { jsonLine } from './output.ts'
import { userName } from './user-name.ts'

/** What an export works on; `data.dir` is absolute. */
export type Place = { readonly config: Config; readonly io: Io; readonly json: boolean }

/** The settings of a sink by its name. Throws `config_invalid` that lists those there are. */
export function sinkNamed({ config }: Place, name: string): SinkSettings {
  const found = config.audit.export.find((sink) => sink.name === name)
  if (found !== undefined) return found
  const names = config.audit.export.map((sink) => sink.name).join(', ')
  throw new SallyportError('config_invalid', `no sink is called ${jsonLine(name)}`, {
    hint: names === '' ? '`audit.export` in the configuration has no sinks.' : `There are: ${names}.`,
  })
}

export function openSinkOf(settings: SinkSettings): Sink {
  return createSink(sinks, settings, { hostname: hostname(), version: version(), now: Date.now })
}

/** Reads bodies of the ledger with the configured keys. */
export function fillerOf(place: Place, db: Store): ContentFiller {
  return contentFiller(db, contentReader({ dir: place.config.data.dir, keys: keysOf(place) }))
}

/** The keys of stored bodies. */
export function keysOf({ config, io }: Place): readonly SealKey[] {
  return bodyKeys(config, (message) => void io.stderr.write(`note: ${message}\n`), io.env)
}

/** Says in the ledger that rows left it; when that cannot be said, tells so: a copy that is read only has no place for it. */
export function recordExport(place: Place, subject: string, facts: Readonly<Record<string, unknown>>): void {
  const { config, io } = place
  const now = Date.now()
  const at = new Date(now).toISOString()
  const event = { id: newEventId(now), at, who: userName(), subject, before: null, after: JSON.stringify(facts) }
  try {
    recordEvent({ dir: config.data.dir, durability: config.audit.durability }, { ...event, what: 'audit.export' })
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : 'unknown'
    io.stderr.write(`note: this export could not be recorded in the ledger: ${reason}\n`)
  }
}
