/**
 * Letters of other scripts that look like letters of ASCII (Unicode TR39, the part that matters for values and words), and what they
 * stand for. Which of them are disguises depends on the word they stand in: see `foldingAt`.
 */
export function lookalike(code: number): boolean {
  return letters.has(code) || accented(code) !== undefined
}

/** What is to be done with the look-alikes of a text before `end`. */
export type Folding = {
  readonly end: number
  readonly letters: boolean
  readonly accents: boolean
  readonly digits: boolean
}

/**
 * Looks at the word round the look-alike at `at`. Letters of another script are folded where letters of ASCII stand among them, and
 * none of their own script that looks like nothing in ASCII; within a long number they are digits. Accents go only from words with
 * digits, so that those of languages keep theirs. `open`: the text may go on, so a word at its end is folded if it could come to that.
 */
export function foldingAt(text: string, at: number, open: boolean): Folding {
  let start = at
  let seen = 0
  for (const least = Math.max(0, at - reach); start > least; start--) {
    const kind = kinds[text.charCodeAt(start - 1)] || kindOf(text.charCodeAt(start - 1))
    if (kind === other) break
    seen |= 1 << kind
  }
  let end = at
  for (const most = Math.min(text.length, at + reach); end < most; end++) {
    const kind = kinds[text.charCodeAt(end)] || kindOf(text.charCodeAt(end))
    if (kind === other) break
    seen |= 1 << kind
  }
  const none = { end, letters: false, accents: false, digits: false }
  const unfinished = open && end === text.length
  if ((seen & ((1 << letter) | (1 << digit))) === 0 && !unfinished) return none
  if (isTheirs(text.charCodeAt(start - 1)) || isTheirs(text.charCodeAt(end))) return none
  const word: Word = { letters: 0, digits: 0, alike: 0, accents: 0 }
  for (let i = start; i < end; i++) count(word, kinds[text.charCodeAt(i)] as number)
  const digits = word.letters === 0 && word.digits >= leastDigits && word.alike * 3 <= word.digits
  return {
    end,
    letters: word.alike > 0 && !digits && (word.letters > 0 || unfinished),
    accents: word.accents > 0 && (word.digits > 0 || unfinished) && end - start >= leastAccented,
    digits,
  }
}

/** The look-alike as it is to be read. */
export function folded(code: number, folding: Folding): string | undefined {
  if (!folds(folding)) return undefined
  const ascii = letters.get(code)
  if (ascii === undefined) return folding.accents ? accented(code) : undefined
  if (folding.digits) return numerals[ascii]
  return folding.letters ? ascii : undefined
}

export function folds(folding: Folding): boolean {
  return folding.letters || folding.accents || folding.digits
}

type Word = { letters: number; digits: number; alike: number; accents: number }

function count(word: Word, kind: number): void {
  if (kind === alike) word.alike++
  else if (kind === letter) word.letters++
  else if (kind === digit) word.digits++
  else if (kind === accent) word.accents++
}

function kindOf(code: number): number {
  const kind = letters.has(code) ? alike : accented(code) !== undefined ? accent : plainKind(String.fromCharCode(code))
  kinds[code] = kind
  return kind
}

function plainKind(char: string): number {
  if (/[0-9]/.test(char)) return digit
  if (/[A-Za-z]/.test(char)) return letter
  return /[-_\u0300-\u036f\p{DI}]/u.test(char) ? between : other
}

/** A letter of Greek, Cyrillic or Armenian; asked only of those that look like none of ASCII. */
function isTheirs(code: number): boolean {
  return code >= 0x370 && code < 0x590 && !letters.has(code)
}

function accented(code: number): string | undefined {
  if (code < 0xc0 || (code > 0x24f && code < 0x1e00) || code > 0x1eff) return undefined
  const base = String.fromCharCode(code).normalize('NFD').charAt(0)
  return base < '\x80' ? base : undefined
}

const letter = 1
const digit = 2
const between = 3
const alike = 4
const accent = 5
const other = 6
// What is known of each character so far: a memo of a pure function.
const kinds = new Uint8Array(65_536)
const reach = 128
const leastDigits = 8
const leastAccented = 8
const numerals: { readonly [letter: string]: string } = { O: '0', o: '0', I: '1', l: '1', i: '1' }
const pairs =
  'АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT УY ХX ԀD ԚQ ԜW ҮY ӀI аa сc ԁd еe һh іi јj кk ӏl оo рp ԛq ѕs уy үy хx ѵv ԝw ' +
  'ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC αa ϲc ηn ιi ϳj κk νv οo ρp τt υu χx γy ωw ' +
  'ՏS ՕO ՍU ԼL ցg հh յj ոn օo զq սu աw ' +
  'ıi ȷj ɑa ɡg ɩi ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz ' +
  'ᎪA ᏴB ᏟC ᎠD ᎬE ᏀG ᎻH ᎫJ ᏦK ᏞL ᎷM ᏢP ᏒR ᏚS ᎢT ᏙV ᎳW ᎽY ᏃZ Ꭵi ' +
  'ꓮA ꓐB ꓚC ꓓD ꓰE ꓝF ꓖG ꓧH ꓲI ꓙJ ꓗK ꓡL ꓟM ꓠN ꓳO ꓑP ꓣR ꓢS ꓔT ꓴU ꓦV ꓪW ꓫX ꓬY ꓜZ'
const letters: ReadonlyMap<number, string> = new Map(
  pairs.split(' ').map((pair) => [pair.charCodeAt(0), pair.charAt(1)] as const),
)
