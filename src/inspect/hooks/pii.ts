import { defineHook } from '../hook.ts'
import { checkNames, choiceOf, PackOptions } from './pack-options.ts'

/** Personal data: every type of the rule packs that is not a secret. */
export const pii = defineHook({
  name: 'pii',
  stages: ['request', 'response'],
  options: PackOptions,
  create: (options, { book }) => {
    checkNames(options, book.packs, (type) => !isSecret(type))
    return { rules: book.choose(choiceOf(options, { exclude: ['SECRET'] })) }
  },
})

function isSecret(type: string): boolean {
  return type === 'SECRET' || type.startsWith('SECRET:')
}
