import { stricter } from '../core/verdict.ts'
import { isAfterwards } from '../inspect/binding.ts'
import type { Binding } from '../inspect/binding.ts'
import type { Rooms } from './exchange.ts'
import { tenantOf } from './request.ts'
import type { Trace } from './trace.ts'

/** Whether anything bound could change or stop the answer: only then is it held. */
export function mayChange(rooms: Rooms, trace: Trace, bindings: readonly Binding[]): boolean {
  if (rooms.vault(tenantOf(trace)).size() > 0) return true
  if (trace.policy.mode === 'observe') return false
  return bindings.some((binding) => {
    if (isAfterwards(binding)) return false
    // The verdict of a judge may be its own, whatever the rule's action.
    if (binding.hook.kind === 'judge') return true
    const strict =
      stricter(binding.action.default, 'flag') ||
      [...binding.action.byType.values()].some((action) => stricter(action, 'flag'))
    return strict || binding.onError === 'block'
  })
}
