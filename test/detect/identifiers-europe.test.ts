import assert from 'node:assert/strict'
import { test } from 'node:test'
import { european } from '../../src/detect/identifiers-europe.ts'

/** Valid numbers by the rules of their issuers, made up. */
const valid: Record<keyof typeof european, string> = {
  'al-nipt': 'K63696618V',
  'at-vnr': '4403 120785',
  'at-tin': '01-048/6173',
  'bg-egn': '8507128932',
  'bg-pnf': '4240 918 886',
  'by-unp': '190372048',
  'ch-uid': 'CHE-751.035.099',
  'cy-tin': '52106700M',
  'cz-rc': '695204/0524',
  'de-kvnr': 'K440821552',
  'de-rvnr': '65 120785 F 017',
  'dk-cvr': '01604546',
  'baltic-id': '38501194261',
  'lv-pk': '030385-11530',
  'es-cif': 'B43070531',
  'es-ccc': '9804-1928-90-2791924470',
  'fi-ytunnus': '3383706-9',
  'fr-nif': '0694775305287',
  'uk-utr': '4457771429',
  'gr-amka': '06058532620',
  'gr-afm': '101631241',
  'hu-tax': '8682509377',
  'hu-taj': '397 230 350',
  'is-kennitala': '120121-7745',
  'lu-tin': '1985061350135',
  'md-idno': '9891987285187',
  'me-pib': '49035819',
  'mk-edb': ' 6254728820407',
  jmbg: '0602913545834',
  'nl-onderwijs': '105444668',
  'no-konto': '3044.60.34401',
  'no-org': '009 717 072',
  'pl-nip': '724-129-22-78',
  'pl-regon': '070488607',
  'pl-id-card': 'ABA044342',
  'pt-cc': '58734842 2 ZZ6',
  'ro-cnp': '1850717457837',
  'ro-cui': '71922514',
  'ru-inn': '6029806820',
  'ru-snils': '470-899-167 41',
  'ru-ogrn': '0471512620832',
  'se-org': '556458-8951',
  'si-ddv': '54347513',
  'tr-vkn': '9155243010',
  'ua-rntrc': '4366733920',
  'rs-pib': '187782490',
}

const withoutCheckDigit = new Set(['al-nipt'])

for (const [name, number] of Object.entries(valid)) {
  const check = european[name as keyof typeof european]

  test(`${name} knows a valid number and refuses most with one digit changed`, () => {
    assert.equal(check(number), true)
    if (withoutCheckDigit.has(name)) return
    const places = Array.from(number, (_, at) => at)
    assert.ok(places.filter((at) => isChecked(check, number, at)).length >= 5)
  })
}

/** Whether the character at `at` is a digit, and hardly another digit does there. */
function isChecked(check: (text: string) => boolean, number: string, at: number): boolean {
  if (!/\d/.test(number.charAt(at))) return false
  const changed = Array.from({ length: 10 }, (_, digit) => number.slice(0, at) + digit + number.slice(at + 1))
  return changed.filter((other) => check(other)).length <= 2
}
