import { cef } from './cef.ts'
import { ecs } from './ecs.ts'
import type { Format } from './format.ts'
import { json } from './json.ts'
import { leef } from './leef.ts'
import { ocsf } from './ocsf.ts'

/** Every format, by the name that the settings of a sink give. Of one row each makes one line or more: see `Format`. */
export const formats = [json, cef, leef, ocsf, ecs] as const satisfies readonly Format[]

export type FormatName = (typeof formats)[number]['name']

export const formatNames: readonly FormatName[] = formats.map(({ name }) => name)

export function formatNamed(name: FormatName): Format {
  return formats.find((format) => format.name === name) ?? json
}
