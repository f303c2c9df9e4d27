import type { TextKind } from '../../core/text.ts'
import { defineHook } from '../hook.ts'
import { checkNames, choiceOf, families, isOf, PackOptions } from './pack-options.ts'

/** What the model asks the client to run: the types `TOOL_CALL:…` of the rule packs, in the arguments of tools alone. */
export const toolCalls = defineHook({
  name: 'tool-calls',
  stages: ['request', 'response'],
  options: PackOptions,
  create: (options, { book }) => {
    checkNames(options, book.packs, (type) => isOf(families.toolCalls, type))
    return { rules: book.choose(choiceOf(options, { types: [families.toolCalls] })), kinds: argumentsOnly }
  },
})

const argumentsOnly: ReadonlySet<TextKind> = new Set(['tool-arguments'])
