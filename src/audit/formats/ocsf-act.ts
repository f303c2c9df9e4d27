import type { ExportRow, SinkContext } from '../sinks/sink.ts'
import { actionOf, idOf, isObject, text } from './fields.ts'
import { base, columns, type OcsfActivity, statusOf } from './ocsf-base.ts'

/** Entity Management (3004): what an event was done to, or the checkpoint that was made. */
export function entityManagement(out: ExportRow, context: SinkContext): Record<string, unknown> {
  const { row, block } = out
  const kind = { uid: 3_004, name: 'Entity Management', category: 'Identity & Access Management' }
  const about = out.table === 'events' ? act(row) : checkpoint(row)
  const { activity, ...rest } = about
  return {
    ...base(out, context, { class: kind, activity, profiles: [] }),
    ...statusOf(out),
    ...rest,
    unmapped: {
      ...columns(row, out.table === 'events' ? 'what subject before after' : 'reason block statement signature'),
      block,
    },
  }
}

type About = { readonly activity: OcsfActivity } & Readonly<Record<string, unknown>>

function act(row: ExportRow['row']): About {
  const [what, who] = [actionOf('events', row), text(row, 'who')]
  const name = text(row, 'subject') ?? what
  const type = what.split('.')[0] ?? what
  return {
    activity: activityOf(what),
    actor: who === undefined ? undefined : { user: { name: who } },
    entity: { name, type, data: isObject(row.before) ? row.before : undefined },
    updated_entity: isObject(row.after) ? { name, type, data: row.after } : undefined,
    observables:
      who === undefined ? undefined : [{ name: 'actor.user.name', type_id: 4, type: 'User Name', value: who }],
  }
}

function checkpoint(row: ExportRow['row']): About {
  const number = idOf('checkpoints', row)
  return {
    activity: { id: 1, name: 'Create' },
    actor: { user: { name: 'program' } },
    entity: { name: `checkpoint ${number}`, uid: number, type: 'checkpoint' },
  }
}

/** By how the act is called: `key.create`, `policy.reload`. */
function activityOf(what: string): OcsfActivity {
  const verb = what.split('.').at(-1) ?? what
  const known = activities.find(({ verbs }) => verbs.includes(verb))
  return known === undefined ? { id: 99, name: verb } : { id: known.id, name: known.name }
}

const activities: readonly (OcsfActivity & { readonly verbs: readonly string[] })[] = [
  { id: 1, name: 'Create', verbs: ['create', 'created', 'init', 'keygen', 'add'] },
  { id: 2, name: 'Read', verbs: ['read', 'export', 'show', 'verify'] },
  { id: 3, name: 'Update', verbs: ['update', 'change', 'reload', 'rotate', 'replace', 'set'] },
  { id: 4, name: 'Delete', verbs: ['delete', 'remove', 'purge', 'erase', 'retention'] },
  { id: 6, name: 'Enroll', verbs: ['enroll'] },
  { id: 7, name: 'Unenroll', verbs: ['unenroll', 'revoke'] },
  { id: 8, name: 'Enable', verbs: ['enable'] },
  { id: 9, name: 'Disable', verbs: ['disable'] },
  { id: 10, name: 'Activate', verbs: ['start', 'activate', 'install'] },
  { id: 11, name: 'Deactivate', verbs: ['stop', 'deactivate', 'uninstall'] },
]
