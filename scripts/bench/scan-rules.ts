import { compileRule } from '../../src/detect/compiled.ts'
import type { Compiled } from '../../src/detect/compiled.ts'
import { planFor } from '../../src/detect/plan.ts'
import { scan } from '../../src/detect/scan.ts'
import { figure, table } from './report.ts'
import type { Subject } from './scan-subjects.ts'
import type { ScanTexts } from './scan-texts.ts'

type Cost = { readonly rule: string; tried: number; ms: number; found: number }

/** What each rule's expressions cost, for each megabyte: how often they were tried, and the time. Taking the time takes time, too. */
export function printRuleCosts({ packs }: Subject, agent: readonly string[], { prose, code }: ScanTexts): void {
  for (const [name, texts] of [
    ['prose', [prose]],
    ['code', [code]],
    ['agent', agent],
  ] as const) {
    const costs = new Map<string, Cost>()
    const atoms = new Map<string, RegExp>()
    const rules = packs.flatMap((pack) => pack.rules.map((rule) => timed(compileRule(rule, pack.id, atoms), costs)))
    const plan = planFor(rules)
    for (const text of texts) {
      const scanned = scan(plan, text, '')
      scanned.advance(Infinity)
      for (const { rule } of scanned.found) (costs.get(rule.id) as Cost).found++
    }
    const most = [...costs.values()].toSorted((a, b) => b.ms - a.ms).slice(0, 25)
    const rows = most.map(({ rule, tried, ms, found }) => [rule, String(tried), figure(ms), String(found)])
    console.log(`\n${name}\n${table([['', 'tried', 'ms', 'found'], ...rows])}`)
  }
}

/** The rule, with expressions that keep count of themselves. */
function timed(rule: Compiled, costs: Map<string, Cost>): Compiled {
  const cost: Cost = { rule: rule.id, tried: 0, ms: 0, found: 0 }
  costs.set(rule.id, cost)
  const here = counting(rule.here, cost)
  let search: RegExp | undefined
  return Object.create(rule, {
    here: { value: here },
    search: { get: () => (search ??= counting(rule.search, cost)) },
  }) as Compiled
}

function counting(expression: RegExp, cost: Cost): RegExp {
  const counted = new RegExp(expression)
  counted.exec = (text) => {
    const before = process.hrtime.bigint()
    const found = RegExp.prototype.exec.call(counted, text)
    cost.ms += Number(process.hrtime.bigint() - before) / 1e6
    cost.tried++
    return found
  }
  return counted
}
