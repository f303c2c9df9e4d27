import { defineHook } from '../hook.ts'
import { checkNames, choiceOf, families, isOf, PackOptions } from './pack-options.ts'

/** Credentials: the types `SECRET:…` of the rule packs. */
export const secrets = defineHook({
  name: 'secrets',
  stages: ['request', 'response'],
  options: PackOptions,
  create: (options, { book }) => {
    checkNames(options, book.packs, (type) => isOf(families.secrets, type))
    return { rules: book.choose(choiceOf(options, { types: [families.secrets] })) }
  },
})
