import { SallyportError } from '../../core/errors.ts'
import type { ExportTable, Sink, SinkContext, SinkType } from '../sinks/sink.ts'

/** What the exporter reads of a sink's settings; the rest is for the sink's type. They were checked with the configuration. */
export type SinkSettings = {
  readonly name: string
  readonly type: string
  readonly include: readonly ExportTable[]
  readonly bodies?: boolean | undefined
  /** Where a sink that is new begins, ISO 8601; with what comes when undefined. */
  readonly since?: string | undefined
  /** Of one request, where the sink makes requests. */
  readonly timeoutMs?: number | undefined
  readonly batch?: { readonly rows?: number; readonly bytes?: number; readonly lingerMs?: number } | undefined
}

/** Throws `config_invalid` when there are no sinks of the type, or what the settings name cannot be used. */
export function createSink(types: readonly SinkType[], settings: SinkSettings, context: SinkContext): Sink {
  const kind = types.find(({ type }) => type === settings.type)
  if (kind === undefined) throw new SallyportError('config_invalid', `there are no sinks of type ${settings.type}`)
  return kind.create(settings, context)
}
