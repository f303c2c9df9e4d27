import type { Site } from './assignment.ts'
import { european } from './identifiers-europe.ts'
import { worldwide } from './identifiers-world.ts'
import { identifiers } from './identifiers.ts'

/**
 * Whether the value is all there is: the whole text, or the whole of what a message in JSON says. An answer to "and the number of
 * your card?" names nothing, so its form and check digits must do.
 */
export function standsAlone({ text, start, end, key }: Site): boolean {
  if (start === 0 && end === text.length) return key === undefined || key === '' || messageKey.test(key)
  const before = text.slice(Math.max(0, start - 40), start)
  return messageBefore.test(before) && /^\\{0,3}"/.test(text.slice(end, end + 4))
}

/** A number of a person alone: with check digits that are right, or in the form of a travel document or a licence. */
export function aloneIdentifier(value: string, site: Site): boolean {
  if (!standsAlone(site)) return false
  if (separated.test(value)) return true
  if (grouped.test(value)) return identifiers['ca-sin'](value)
  const bare = value.replace(/[\s./-]/g, '').toUpperCase()
  if (/^\d+$/.test(bare)) return numbers[bare.length]?.some((check) => check(bare)) === true && !/^(\d)\1+$/.test(bare)
  if (/\s/.test(value)) return false
  return lettered.some(([form, check]) => form.test(bare) && (check === undefined || check(bare)))
}

/** A national telephone number alone. */
export function alonePhone(value: string, site: Site): boolean {
  return standsAlone(site) && nationalPhone.test(value)
}

type Test = (text: string) => boolean

const messageKey = /^(?:content|text|message|answer|reply|input|prompt|body|arguments|output)$/i
const messageBefore = /"(?:content|text|message|answer|reply|input|prompt|body|output)\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"$/

const nationalPhone =
  /^(?:0\d{9,10}|0 ?\(\d{3}\) ?\d{3} ?\d{2} ?\d{2}|0\d{2,4}[ -]\d{3,4}[ -]\d{2,4}(?:[ -]\d{2})?|\(?0\d{1,4}\)?[ -]\d{3,4}[ -]\d{3,4}|1?[ .-]?\(?[2-9]\d{2}\)?[ .-]?\d{3}[ .-]?\d{4}(?: ?(?:x|ext\.?) ?\d{1,5})?|\d{3}-\d{3}-\d{4})$/

/** Numbers whose groups say what they are: German tax numbers, Korean driving licences, ITINs. */
const separated = /^(?:\d{2,3}\/\d{3,4}\/\d{4,5}|(?:1[1-9]|2[0-68])([- ])\d{2}\1\d{6}\1\d{2}|9\d{2}-[5-9]\d-\d{4})$/

/** Canadian insurance numbers; nine digits together are anything. */
const grouped = /^\d{3}([ -])\d{3}\1\d{3}$/

const numbers: Readonly<Record<number, readonly Test[]>> = {
  10: [
    (text) => /^[12]/.test(text) && identifiers['us-npi'](text),
    (text) => /^[2-6]/.test(text) && identifiers['au-medicare'](text),
    identifiers['se-personnummer'],
    european['bg-egn'],
    european['is-kennitala'],
  ],
  11: [
    identifiers['tr-id'],
    identifiers['pl-pesel'],
    identifiers['br-cpf'],
    identifiers['no-fnr'],
    european['baltic-id'],
    identifiers['de-tax-id'],
  ],
  12: [(text) => /^[2-9]/.test(text) && identifiers['in-aadhaar'](text), identifiers['se-personnummer']],
  13: [
    identifiers['za-id'],
    identifiers['kr-rrn'],
    european.jmbg,
    european['ro-cnp'],
    (text) => /^\d\d[01]\d{3}[5-8]/.test(text) && identifiers['kr-date'](text),
  ],
  16: [worldwide['id-nik']],
  18: [identifiers['cn-resident-id']],
}

const lettered: readonly (readonly [form: RegExp, check?: Test])[] = [
  [/^[STFGM]\d{7}[A-Z]$/, identifiers['sg-nric']],
  [/^[XYZ]?\d{7,8}[A-Z]$/, identifiers['es-nif']],
  [/^[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{7}\d$/, identifiers['de-id-card']],
  [/^[A-Z]\d{9}$/, european['de-kvnr']],
  [/^\d{8}[A-Z]\d{3}$/, european['de-rvnr']],
  [/^[A-Z][1289A-D]\d{8}$/, identifiers['tw-id']],
  [/^(?:[A-Z]\d{8}|[A-Z]{2}\d{7}|[A-Z]{3}\d{6,7}|[A-Z]\d{3}[A-Z]\d{4}|[A-PR-WY][1-9]\d{5}[1-9])$/],
  [/^(?:[A-Z]{2}\d{7}[A-Z]|[A-Z]{2}\d{8}[A-Z0-9]|[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z])$/],
  [/^[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d[AC-HJKMNP-RT-Y]{2}\d{2}$/],
]
