import { isWord } from './places.ts'
import { rewritten } from './rewrite.ts'
import type { NormalForm } from './rewrite.ts'

/**
 * Numbers that go on in the next line, behind a line with words before them (a column of numbers is none), on one line. Nothing is given
 * from time to time, for others to have their turn.
 */
export function* brokenNumbers(text: string): Generator<NormalForm | undefined, void> {
  let rest = block
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (at > rest) {
      rest = at + block
      yield undefined
    }
    if (!couldEnd(text.charCodeAt(at - 1)) || !couldBegin(text, at + 1)) continue
    const from = beforeGap(text, at)
    if (!isNumeral(text.charCodeAt(from - 1)) || isLongWord(text, from)) continue
    lineBreak.lastIndex = from
    const gap = lineBreak.exec(text)?.[0]
    if (gap === undefined || !labelled.test(text.slice(Math.max(0, from - longest), from))) continue
    const end = from + gap.length
    yield together(text, from, end, Math.min(text.length, end + longest))
  }
}

/** The end of a text that may be such a number. */
export function brokenNumberTail(text: string): NormalForm | undefined {
  const at = text.lastIndexOf('\n')
  if (at === -1 || text.length - at > longest || !isNumeral(text.charCodeAt(beforeGap(text, at) - 1))) return undefined
  const from = beforeGap(text, at)
  const rest = goesOn.exec(text.slice(at + 1))
  return rest === null ? undefined : together(text, from, at + 1 + (rest[1] as string).length, text.length)
}

/** In groups set apart by spaces the break stands for one. */
function together(text: string, from: number, to: number, end: number): NormalForm {
  const apart = grouped.test(text.slice(Math.max(0, from - 6), from)) ? ' ' : ''
  return rewritten(text, Math.max(0, from - longest), end, [{ start: from, end: to, text: apart }])
}

function beforeGap(text: string, at: number): number {
  let start = at
  while (start > 0 && at - start < 4 && (text[start - 1] === ' ' || text[start - 1] === '\r')) start--
  return start
}

function couldEnd(code: number): boolean {
  return isNumeral(code) || code === 32 || code === 13
}

/** A digit, with indentation or marks of mails before it. */
function couldBegin(text: string, from: number): boolean {
  const most = Math.min(text.length, from + 48)
  let at = from
  while (at < most && text.charCodeAt(at) < 48) at++
  const code = text.charCodeAt(at)
  return (code > 47 && code < 58) || code === 62 || code === 124
}

function isLongWord(text: string, end: number): boolean {
  let start = end
  while (start > 0 && end - start < 24 && isWord(text.charCodeAt(start - 1))) start--
  return end - start === 24
}

function isNumeral(code: number): boolean {
  return (code > 47 && code < 58) || code === 45 || (code > 64 && code < 91)
}

const longest = 96
const block = 131_072
const lineBreak = / {0,4}\r?\n[ \t>|#*]{0,48}(?=\d)/y
const labelled =
  /[A-Za-z]{3}[^\n\d]{0,32}[A-Z]{0,4}\d[\dA-Z .-]{1,40}$|[A-Za-z]{3}[^\n]{0,24}[A-Z]{2}\d{2}[\dA-Z ]{0,40}$/
const goesOn = /^([ \t>|#*]{0,48})[\d -]{0,32}$/
const grouped = / [A-Z\d]{2,4}$/
