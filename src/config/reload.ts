import { isDeepStrictEqual } from 'node:util'
import type { Config } from './schema.ts'

/** The settings that differ and take effect only after a restart. */
export function needsRestart(before: Config, after: Config): string[] {
  return Object.entries(fixed).flatMap(([key, value]) => (isDeepStrictEqual(value(before), value(after)) ? [] : [key]))
}

/** The new configuration, but for what the writer of the ledger was started with: its files, and its memory, go by that. */
export function untilRestart(first: Config, next: Config): Config {
  const { durability, encryption, bodies } = first.audit
  const { inlineBytes } = bodies
  return { ...next, audit: { ...next.audit, durability, encryption, bodies: { ...next.audit.bodies, inlineBytes } } }
}

const fixed: Readonly<Record<string, (config: Config) => unknown>> = {
  'data.dir': ({ data }) => data.dir,
  workers: ({ workers }) => workers,
  'proxy.listen': ({ proxy }) => proxy.listen,
  'proxy.transparent': ({ proxy }) => proxy.transparent,
  'gateway.listen': ({ gateway }) => gateway.listen,
  'console.listen': ({ console }) => console.listen,
  'ca.dir': ({ ca }) => ca.dir,
  'audit.durability': ({ audit }) => audit.durability,
  'audit.bodies.inlineBytes': ({ audit }) => audit.bodies.inlineBytes,
  'audit.encryption': ({ audit }) => audit.encryption,
}
