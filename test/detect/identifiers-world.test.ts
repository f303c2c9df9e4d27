import assert from 'node:assert/strict'
import { test } from 'node:test'
import { worldwide } from '../../src/detect/identifiers-world.ts'

/** Valid numbers by the rules of their issuers, made up. */
const valid: Record<keyof typeof worldwide, string> = {
  'us-dea': 'AB9757343',
  'ca-phn': '9133233757',
  'ar-cuit': '20-03821990-2',
  'ar-cbu': '92022119 10295697746686',
  'br-cnpj': '25.764.666/0001-47',
  'co-nit': '619.408.451-7',
  'do-rnc': '1-82-84984-2',
  'ec-ci': '170471260-1',
  'pe-ruc': '20572316514',
  'pe-cui': '93494774-1',
  'py-ruc': '4019942-8',
  'uy-rut': '21-329642-001-2',
  've-rif': 'J-49441476-6',
  'gt-nit': '1018339-6',
  'cu-ni': '85071260403',
  'id-nik': '3201311207852837',
  'id-npwp': '33.530.064.6-368.193',
  'in-gstin': '27ABCPK1234L1ZS',
  'jp-cn': '8362297747758',
  'kr-brn': '319-45-07311',
  'my-nric': '850712-14-1378',
  'lk-nic': '851126833V',
  'vn-mst': '0693128121',
  'cn-uscc': '910732302423769887',
  'eg-id': '28507120100008',
  'ae-id': '784-1985-9431962-0',
  'kz-iin': '850712744582',
  'ir-melli': '1142491552',
  'au-abn': '17 895 099 873',
  'au-acn': '549 729 026',
  'mu-nid': 'A120785440821B',
  'sg-uen': '80388398Z',
  'mx-curp': 'FIDR850712MDFNRR06',
  lei: '54934904704129744428',
  vin: 'WVWZZZ1J576344516',
  verhoeff: '4806 5495 4694 2081',
}

const withoutCheckDigit = new Set(['cu-ni', 'id-nik', 'my-nric', 'lk-nic', 'eg-id', 'mu-nid', 'sg-uen', 'vin'])

for (const [name, number] of Object.entries(valid)) {
  const check = worldwide[name as keyof typeof worldwide]

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
