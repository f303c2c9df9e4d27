import type { ChoreKind } from './chores.ts'

/** What is done, in this order; a module is loaded when its chore is wanted. */
export const chores: readonly ChoreKind[] = [
  { name: 'log', wanted: () => true, load: async () => (await import('./log-chore.ts')).logChore },
  {
    name: 'checkpoint',
    wanted: () => true,
    load: async () => (await import('../checkpoints/checkpoint-chore.ts')).checkpointChore,
  },
  {
    name: 'retention',
    wanted: () => true,
    load: async () => (await import('./retention-chore.ts')).retentionChore,
  },
  { name: 'orphans', wanted: () => true, load: async () => (await import('./orphans-chore.ts')).orphansChore },
  { name: 'columns', wanted: () => true, load: async () => (await import('../find/segment-chore.ts')).segmentChore },
  // Also when there is to be no index: it removes what there was.
  {
    name: 'text-index',
    wanted: () => true,
    load: async () => (await import('../find/text-index-chore.ts')).textIndexChore,
  },
  // Behind the checkpoint: the last one goes out too.
  {
    name: 'export',
    wanted: ({ sinks }) => sinks.length > 0,
    load: async () => (await import('../export/chore.ts')).exportOf,
  },
]
