import { elastic, type ElasticOptions } from './elastic.ts'
import { file, type FileOptions } from './file.ts'
import { otlp, type OtlpOptions } from './otlp.ts'
import type { Sink, SinkContext, SinkType } from './sink.ts'
import { splunk, type SplunkOptions } from './splunk.ts'
import { syslog, type SyslogOptions } from './syslog.ts'
import { webhook, type WebhookOptions } from './webhook.ts'

/** Every kind of sink. */
export const sinks: readonly SinkType[] = [file, syslog, splunk, elastic, otlp, webhook]

/** What the settings of a sink have for the sink itself; they have more, for the exporter. */
export type SinkOptions = FileOptions | SyslogOptions | SplunkOptions | ElasticOptions | OtlpOptions | WebhookOptions

/** Makes a sink from its settings. Throws `config_invalid` for files that they name and that cannot be used. */
export function openSink(options: SinkOptions, context: SinkContext): Sink {
  const type = sinks.find((sink) => sink.type === options.type)
  if (type === undefined) throw new TypeError(`no sink is called ${options.type}`)
  return type.create(options, context)
}
