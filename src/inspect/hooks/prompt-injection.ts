import { defineHook } from '../hook.ts'
import { checkNames, choiceOf, families, isOf, PackOptions } from './pack-options.ts'

/** Texts that try to give the model orders which are not its operator's: the types `PROMPT_INJECTION:…` of the rule packs. */
export const promptInjection = defineHook({
  name: 'prompt-injection',
  stages: ['request', 'response'],
  options: PackOptions,
  create: (options, { book }) => {
    checkNames(options, book.packs, (type) => isOf(families.promptInjection, type))
    return { rules: book.choose(choiceOf(options, { types: [families.promptInjection] })) }
  },
})
