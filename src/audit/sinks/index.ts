import { elastic, type ElasticOptions } from './elastic.ts'
import { file, type FileOptions } from './file.ts'
import { otlp, type OtlpOptions } from './otlp.ts'
import type { SinkType } from './sink.ts'
import { splunk, type SplunkOptions } from './splunk.ts'
import { syslog, type SyslogOptions } from './syslog.ts'
import { webhook, type WebhookOptions } from './webhook.ts'

/** Every kind of sink. */
export const sinks: readonly SinkType[] = [file, syslog, splunk, elastic, otlp, webhook]

/** What the settings of a sink have for the sink itself; they have more, for the exporter. */
export type SinkOptions = FileOptions | SyslogOptions | SplunkOptions | ElasticOptions | OtlpOptions | WebhookOptions
