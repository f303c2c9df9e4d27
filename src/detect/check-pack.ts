import { asSallyportError } from '../core/errors.ts'
import type { Pack, Rule } from './pack.ts'
import { compileRules } from './rule-book.ts'

/** What is wrong with a pack by its own examples, a sentence each. Examples are not repeated: they look like secrets. */
export function checkPack(pack: Pack): string[] {
  return pack.rules.flatMap((rule) => checkRule(pack, rule))
}

function checkRule(pack: Pack, rule: Rule): string[] {
  try {
    const rules = compileRules([{ ...pack, rules: [rule] }], {})
    const finds = (text: string): boolean => rules.find(text).length > 0
    return [
      ...rule.examples.match.flatMap((text, i) =>
        finds(text) ? [] : [`${pack.id}/${rule.id}: example ${i + 1} of match is not found`],
      ),
      ...rule.examples.noMatch.flatMap((text, i) =>
        finds(text) ? [`${pack.id}/${rule.id}: example ${i + 1} of noMatch is found`] : [],
      ),
    ]
  } catch (thrown) {
    return [asSallyportError(thrown).message]
  }
}
