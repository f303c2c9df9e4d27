/** The law of the house: each room's level, and what it may import beside itself and the ground. */
export type Room = { readonly level: number; readonly imports: readonly string[] }

export const ground: readonly string[] = ['core', 'lib']

const table: Readonly<Record<string, Room>> = {
  core: { level: 0, imports: [] },
  lib: { level: 0, imports: [] },
  tls: { level: 1, imports: [] },
  http: { level: 1, imports: [] },
  providers: { level: 1, imports: [] },
  detect: { level: 1, imports: [] },
  attest: { level: 1, imports: [] },
  metrics: { level: 1, imports: [] },
  trust: { level: 1, imports: [] },
  config: { level: 1, imports: [] },
  store: { level: 1, imports: [] },
  upstream: { level: 2, imports: ['http'] },
  inspect: { level: 2, imports: ['detect'] },
  audit: { level: 2, imports: ['store'] },
  access: { level: 2, imports: ['store'] },
  policy: { level: 3, imports: ['inspect', 'detect'] },
  engine: { level: 4, imports: ['audit', 'http', 'inspect', 'metrics', 'policy', 'providers'] },
  proxy: { level: 5, imports: ['access', 'attest', 'engine', 'http', 'policy', 'tls', 'upstream', 'metrics'] },
  gateway: { level: 5, imports: ['access', 'engine', 'http', 'policy', 'providers', 'upstream', 'metrics'] },
  console: { level: 5, imports: ['access', 'audit', 'http', 'metrics', 'policy'] },
  cli: {
    level: 7,
    imports: ['app', 'access', 'attest', 'audit', 'config', 'detect', 'policy', 'store', 'tls', 'trust'],
  },
}

// The one place that knows all the others.
const app: Room = { level: 6, imports: Object.keys(table).filter((name) => !ground.includes(name) && name !== 'cli') }

export const rooms: Readonly<Record<string, Room>> = { ...table, app }

/** What src/main.ts, which stands in no room, may import. */
export const entryImports: readonly string[] = ['cli']
