import type { LoadedConfig } from '../../config/load.ts'
import type { ConfigProblem } from '../../config/problems.ts'
import type { Config } from '../../config/schema.ts'
import type { Io } from '../command.ts'

export type Finding = {
  readonly status: 'ok' | 'warn' | 'fail'
  readonly message: string
  readonly hint?: string
}

/** What a check may look at. */
export type Machine = {
  readonly configuration: LoadedConfig | { readonly problems: readonly ConfigProblem[] }
  readonly io: Io
}
export type SetUp = { readonly config: Config; readonly io: Io }

export type Check =
  | { readonly name: string; readonly needs: 'nothing'; readonly run: (machine: Machine) => Promise<Finding> }
  | { readonly name: string; readonly needs: 'config'; readonly run: (setUp: SetUp) => Promise<Finding> }
