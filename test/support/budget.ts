import { Budget } from '../../src/http/budget.ts'
import type { BudgetTerms } from '../../src/http/budget.ts'
import { spools } from '../../src/http/spool.ts'
import { tempFolder } from './temp.ts'

/** Room for bodies, by default more than any test takes. */
export function budgetOf(limit = 2 ** 40, terms: Partial<BudgetTerms> & { readonly dir?: string } = {}): Budget {
  const { dir = tempFolder('spool'), ...rest } = terms
  return new Budget({
    limit: () => limit,
    spools: spools({ dir, maxFiles: 100, maxBytes: () => 2 ** 30, failed: () => undefined }),
    maxWaiting: 100,
    waitMs: 5_000,
    ...rest,
  })
}
