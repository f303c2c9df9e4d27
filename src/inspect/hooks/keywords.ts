import { z } from 'zod'
import { compileKeywords } from '../../detect/index.ts'
import { defineHook } from '../hook.ts'

/** The operator's own words and patterns. */
export const keywords = defineHook({
  name: 'keywords',
  stages: ['request', 'response'],
  options: z
    .strictObject({
      /** Whole words or phrases. */
      words: z.array(z.string().min(1)).default([]),
      /** Expressions that are matched in linear time. */
      patterns: z.array(z.string().min(1)).default([]),
      /** One word or phrase on a line; empty lines and those that begin with `#` are left out. */
      file: z.string().min(1).optional(),
      caseSensitive: z.boolean().default(false),
      /** Findings are `KEYWORD:name`. */
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'letters, digits, `_`, `.` and `-` only'),
    })
    .refine((options) => options.words.length > 0 || options.patterns.length > 0 || options.file !== undefined, {
      error: 'name some words, patterns or a file',
    }),
  create: ({ words, patterns, file, caseSensitive, name }, { readFile }) => {
    const listed = file === undefined ? [] : wordsIn(readFile(file))
    return { rules: compileKeywords({ words: [...words, ...listed], patterns, caseSensitive, name }) }
  },
})

function wordsIn(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}
