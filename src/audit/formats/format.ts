import type { ExportRow, SinkContext } from '../sinks/sink.ts'

/** A way to write a row. Pure: the same row gives the same lines. */
export type Format = {
  readonly name: string
  /** Whether each line is a JSON object, so that it may stand unquoted inside other JSON. */
  readonly json: boolean
  /**
   * One line or more of text for one row, none with a line break or another control character in it, whatever the row holds. The first
   * line is the row; OCSF has a second one for an exchange with findings. All lines of a row are delivered, or none counts as delivered.
   */
  readonly lines: (row: ExportRow, context: SinkContext) => readonly [string, ...string[]]
}
