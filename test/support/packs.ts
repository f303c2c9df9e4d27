import * as fc from 'fast-check'
import { loadPacks, packsFolder } from '../../src/detect/index.ts'

/** The program's own rule packs. */
export const packs = loadPacks([packsFolder()])

const examples = packs.flatMap(({ rules }) =>
  rules.flatMap((rule) => [...rule.examples.match, ...rule.examples.noMatch]),
)
const words = packs.flatMap(({ rules }) => rules.flatMap((rule) => [...rule.keywords, ...(rule.context?.words ?? [])]))
const between = [
  ' ',
  '. ',
  '\n',
  ' the report of ',
  ': ',
  '="',
  '" ',
  '\\n',
  'ａ４',
  '\u200b',
  'é',
  'номер ',
  'x',
  '7',
  '-',
  '@',
  '://',
  '(',
  '\ud800',
  ' and so the committee agreed, after a while, to meet again. ',
]

/** What the packs know as examples, their words, and prose, put together in any way. */
export const packTexts: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...examples) },
      { weight: 2, arbitrary: fc.constantFrom(...new Set(words)) },
      { weight: 4, arbitrary: fc.constantFrom(...between) },
    ),
    { maxLength: 14 },
  )
  .map((some) => some.join(''))
