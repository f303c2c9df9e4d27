import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identifiers } from '../../src/detect/identifiers.ts'

/** Valid numbers by the rules of their issuers; the same with one character changed is not. */
const valid: Record<keyof typeof identifiers, string> = {
  'us-ssn': '219-47-3308',
  'us-npi': '1480833908',
  aba: '121000358',
  'ca-sin': '745 672 683',
  'uk-nhs': '401 023 2137',
  'de-tax-id': '25922348609',
  'de-id-card': 'LK713X34T5',
  'fr-nir': '2 55 08 14 168 025 38',
  'es-nif': '54362315K',
  'it-fiscal-code': 'RCCMNL83S18D969H',
  'nl-bsn': '293920667',
  'pl-pesel': '85071286274',
  'pt-nif': '501442600',
  'se-personnummer': '640823-3234',
  'fi-hetu': '290296-7808',
  'in-aadhaar': '7300 1604 5469',
  'au-tfn': '549837838',
  'au-medicare': '2428 77813 2',
  'nz-ird': '136-410-132',
  'sg-nric': 'S8053471Z',
  'kr-rrn': '850712-1860906',
  'br-cpf': '529.982.247-25',
  'cn-resident-id': '11010519491231002X',
  'za-id': '9202204720083',
  'jp-my-number': '5227 4866 4188',
  'be-nn': '93.05.18-223.61',
  'dk-cpr': '070761-4285',
  'no-fnr': '29029600013',
  'tr-id': '40735776740',
  'ch-ahv': '756.1234.5678.97',
  'il-id': '323502765',
  'th-id': '3304176396107',
  'hr-oib': '28446897442',
  'ie-pps': '8511069H',
  'kr-date': '850712-1034569',
  'mx-clabe': '007378611690388939',
  'tw-id': 'K198026996',
  'hk-id': 'K247745(9)',
  'cl-rut': '30.686.957-4',
}

for (const [name, number] of Object.entries(valid)) {
  test(`${name} knows a valid number`, () => {
    assert.equal(identifiers[name as keyof typeof identifiers](number), true)
  })
}

const withoutCheckDigit = new Set(['us-ssn', 'dk-cpr', 'kr-date'])

for (const [name, number] of Object.entries(valid).filter(([name]) => !withoutCheckDigit.has(name))) {
  test(`${name} refuses most numbers with one digit changed`, () => {
    const check = identifiers[name as keyof typeof identifiers]
    const at = number.search(/\d(?=\D*\d\D*$)/)
    const changed = Array.from({ length: 10 }, (_, digit) => number.slice(0, at) + digit + number.slice(at + 1))
    assert.ok(changed.filter((other) => check(other)).length <= 2)
  })
}

test('numbers that were never given out are refused', () => {
  for (const number of ['000-47-3308', '666-47-3308', '900-47-3308', '219-00-3308', '219-47-0000']) {
    assert.equal(identifiers['us-ssn'](number), false)
  }
  assert.equal(identifiers['dk-cpr']('320761-4285'), false)
  assert.equal(identifiers['kr-date']('851712-1000004'), false)
  assert.equal(identifiers['br-cpf']('444.444.444-44'), false)
})
