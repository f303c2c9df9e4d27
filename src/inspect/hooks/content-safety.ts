import { defineHook } from '../hook.ts'
import { classifier, ClassifierOptions } from './classifier.ts'
import { checkNames, choiceOf, families, isOf, PackOptions } from './pack-options.ts'

/** Phrases of harm: the types `CONTENT_SAFETY:…` of the rule packs. With `classifier`, an outside one is asked instead. */
export const contentSafety = defineHook({
  name: 'content-safety',
  stages: ['request', 'response'],
  options: PackOptions.extend({ classifier: ClassifierOptions.optional() }),
  create: (options, { book }) => {
    if (options.classifier !== undefined) return { live: true, inspect: classifier(options.classifier) }
    checkNames(options, book.packs, (type) => isOf(families.contentSafety, type))
    return { rules: book.choose(choiceOf(options, { types: [families.contentSafety] })) }
  },
})
