import { defineHook } from '../hook.ts'
import { checkNames, choiceOf, families, isOf, PackOptions } from './pack-options.ts'

/** Phrases of harm: the types `CONTENT_SAFETY:…` of the rule packs. */
export const contentSafety = defineHook({
  name: 'content-safety',
  stages: ['request', 'response'],
  options: PackOptions,
  create: (options, { book }) => {
    checkNames(options, book.packs, (type) => isOf(families.contentSafety, type))
    return { rules: book.choose(choiceOf(options, { types: [families.contentSafety] })) }
  },
})
