import { defineHook } from '../hook.ts'
import { checkNames, choiceOf, families, isOf, PackOptions } from './pack-options.ts'

/** Personal data: every type of the rule packs that no other hook looks for. */
export const pii = defineHook({
  name: 'pii',
  stages: ['request', 'response'],
  options: PackOptions,
  create: (options, { book }) => {
    checkNames(options, book.packs, (type) => !others.some((family) => isOf(family, type)))
    return { rules: book.choose(choiceOf(options, { exclude: others })) }
  },
})

const others = Object.values(families)
