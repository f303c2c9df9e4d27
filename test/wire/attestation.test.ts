import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { databasePath } from '../../src/store/open.ts'
import { attesting, enrol, revoke } from '../support/attesting.ts'
import type { Attesting } from '../support/attesting.ts'
import { startStage, type Row, type Stage } from '../support/stage.ts'

/** What came of a CONNECT with these header lines, and of one request inside. */
type Seen = {
  /** Whose certificate the client saw. */
  readonly by: 'origin' | 'sallyport'
  readonly row: Row
  readonly attestation: Record<string, unknown> | null
  readonly status: number
}

for (const workers of [1, 2]) {
  describe(`${workers} worker${workers === 1 ? '' : 's'}`, () => {
    let stage: Stage
    let data: string
    let paths = 0
    const laptop = attesting('laptop-1')
    const policy = 'a'.repeat(64)

    before(async () => {
      stage = await startStage((seen, response) => void response.end(`${seen.method} ${seen.text()}`), {
        hosts: ['api.test', 'quiet.test', 'picky.test', 'sampled.test', 'closed.test', 'denied.test', 'guarded.test'],
        config: { workers, attestation: { accept: true, audience: 'egress-1', nexus: true } },
        policies: {
          'a.yaml': {
            intercept: [
              { hosts: ['denied.test'], action: 'deny' },
              { hosts: ['quiet.test'], action: 'tunnel' },
              { hosts: ['picky.test'], action: 'inspect', attestation: { policies: [policy], minVersion: '1.4' } },
              { hosts: ['sampled.test'], action: 'inspect', attestation: { reinspect: 1 } },
              { hosts: ['closed.test'], action: 'inspect', attestation: { accept: false } },
              { hosts: ['*.test'], action: 'inspect' },
            ],
            rules: [
              { name: 'nobody', hook: 'ip-access', options: { deny: ['127.0.0.0/8'] }, when: { host: 'guarded.test' } },
              {
                name: 'birds',
                on: 'request',
                hook: 'keywords',
                options: { name: 'birds', words: ['bluebird'] },
                action: 'block',
              },
            ],
          },
        },
      })
      data = join(stage.sallyport.dir, 'data')
      enrol(data, laptop)
    })

    after(() => stage[Symbol.asyncDispose]())

    /** Connects with these lines, asks for a path of its own, and waits for the row. */
    async function connect(target: string, lines: readonly string[], request: Partial<Request> = {}): Promise<Seen> {
      const path = `/${(paths += 1)}`
      const { body = '', headers = [] } = request
      const host = target.slice(0, target.lastIndexOf(':'))
      const client = await stage.connect(target, {
        ca: stage.sallyport.ca() + stage.authority.cert,
        connectHeaders: lines.map((line) => `${line}\r\n`).join(''),
        ...(request.from === undefined ? {} : { from: request.from }),
      })
      const ours = new X509Certificate(stage.sallyport.ca()).publicKey
      const by = client.tls.getPeerX509Certificate()?.verify(ours) === true ? 'sallyport' : 'origin'
      const fields = [`Host: ${host}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers]
      client.send(`POST ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`)
      const { status } = await client.answer()
      client.close()
      for (const { headers: seen } of stage.origin.seen)
        assert.equal(
          seen.some((text) => /attestation|v1;ts=/i.test(text)),
          false,
        )
      const known = rows
      const row = await stage.row('connections', (one) => one['host'] === host && !known.has(one['id']))
      rows.add(row['id'])
      const attestation = typeof row['attestation'] === 'string' ? JSON.parse(row['attestation']) : null
      return { by, row, attestation, status }
    }
    const rows = new Set<unknown>()
    type Request = { readonly body: string; readonly headers: readonly string[]; readonly from: string }

    const jws = (token: string): string[] => [`Sallyport-Attestation: ${token}`]
    const nexus = (value: string): string[] => [`X-Nexus-Attestation: ${value}`]
    const now = (): number => Math.floor(Date.now() / 1_000)
    const enrolled = (id: string, ...over: Parameters<typeof enrol>[2][]): Attesting => {
      const device = attesting(id)
      enrol(data, device, ...over)
      return device
    }
    const claiming = (over: Parameters<Attesting['token']>[1]) => jws(laptop.token('api.test:443', over))

    type Case = readonly [
      what: string,
      outcome: string,
      form: 'jws' | 'nexus' | null,
      lines: () => readonly string[],
      host?: string,
    ]
    const cases: readonly Case[] = [
      ['a good token', 'valid', 'jws', () => claiming({})],
      [
        'a good token under the name in capitals',
        'valid',
        'jws',
        () => claiming({}).map((line) => line.replace('Sallyport-Attestation', 'SALLYPORT-ATTESTATION')),
      ],
      ['no header', 'missing', null, () => []],
      ['an empty header', 'malformed', 'jws', () => jws('')],
      ['garbage', 'malformed', 'jws', () => jws('a.b.c')],
      ['two headers', 'malformed', 'jws', () => [...claiming({}), ...claiming({})]],
      ['both forms', 'malformed', null, () => [...claiming({}), ...nexus(laptop.nexus())]],
      ['a token that was cut', 'malformed', 'jws', () => jws(laptop.token('api.test:443').slice(0, -1))],
      ['another key', 'bad_signature', 'jws', () => jws(attesting('laptop-1').token('api.test:443'))],
      ['a device that nobody knows', 'unknown_device', 'jws', () => jws(attesting('stranger').token('api.test:443'))],
      ['a token that has ended', 'expired', 'jws', () => claiming({ iat: now() - 120, exp: now() - 31 })],
      ['a token of the future', 'not_yet_valid', 'jws', () => claiming({ iat: now() + 40, exp: now() + 60 })],
      ['another proxy', 'wrong_audience', 'jws', () => claiming({ aud: 'egress-2' })],
      ['another host', 'wrong_authority', 'jws', () => claiming({ authority: 'quiet.test:443' })],
      ['another port', 'wrong_authority', 'jws', () => claiming({ authority: 'api.test:444' })],
      [
        'a good token to a host that is tunnelled',
        'valid',
        'jws',
        () => jws(laptop.token('quiet.test:443')),
        'quiet.test',
      ],
      ['no header to a host that is tunnelled', 'missing', null, () => [], 'quiet.test'],
      [
        'another policy set',
        'policy_not_accepted',
        'jws',
        () => jws(laptop.token('picky.test:443', { policy: 'b'.repeat(64) })),
        'picky.test',
      ],
      [
        'an old version',
        'policy_not_accepted',
        'jws',
        () => jws(laptop.token('picky.test:443', { ver: '1.3.9' })),
        'picky.test',
      ],
      [
        'the policy set and version that are asked for',
        'valid',
        'jws',
        () => jws(laptop.token('picky.test:443')),
        'picky.test',
      ],
      [
        'the nexus form where a policy set is asked for',
        'policy_not_accepted',
        'nexus',
        () => nexus(laptop.nexus()),
        'picky.test',
      ],
      [
        'a good token to a host of which all are inspected',
        'reinspected',
        'jws',
        () => jws(laptop.token('sampled.test:443')),
        'sampled.test',
      ],
      ['a good nexus header', 'valid', 'nexus', () => nexus(laptop.nexus())],
      [
        'a nexus header of which all are inspected',
        'reinspected',
        'nexus',
        () => nexus(laptop.nexus()),
        'sampled.test',
      ],
      ['nexus garbage', 'malformed', 'nexus', () => nexus('v1;ts=1')],
      ['a nexus header for a body', 'bad_signature', 'nexus', () => nexus(laptop.nexus('some'))],
      ['a nexus header by another key', 'bad_signature', 'nexus', () => nexus(attesting('laptop-1').nexus())],
      ['a nexus header of nobody', 'unknown_device', 'nexus', () => nexus(attesting('stranger').nexus())],
      ['an old nexus header', 'expired', 'nexus', () => nexus(laptop.nexus('', { ts: now() - 302 }))],
      ['a nexus header of the future', 'not_yet_valid', 'nexus', () => nexus(laptop.nexus('', { ts: now() + 330 }))],
    ]
    for (const [what, outcome, form, lines, host = 'api.test'] of cases) {
      test(`${what}: ${outcome}`, async () => {
        const { by, row, attestation, status } = await connect(`${host}:443`, lines())
        const passes = outcome === 'valid'
        assert.partialDeepStrictEqual(attestation, { outcome, form })
        const tunnelled = host === 'quiet.test'
        assert.equal(row['handling'], passes ? 'attested' : tunnelled ? 'tunnel' : 'inspect')
        assert.deepEqual([by, status], [passes || tunnelled ? 'origin' : 'sallyport', 200])
        if (passes) {
          assert.equal(attestation?.['device'], 'laptop-1')
          assert.match(String(attestation?.['jti']), form === 'jws' ? /^[\w-]{22}$/ : /^[0-9a-f]{32}$/)
          assert.equal(attestation?.['policy'], form === 'jws' ? policy : null)
        }
      })
    }

    test('a device that was revoked, has ended or does not hold yet: from the next connection on', async () => {
      const at = (ms: number): string => new Date(Date.now() + ms).toISOString()
      const lost = enrolled(`lost-${workers}`)
      assert.equal((await connect('api.test:443', jws(lost.token('api.test:443')))).attestation?.['outcome'], 'valid')
      revoke(data, lost)
      const old = enrolled(`old-${workers}`, { notBefore: at(-2_000), expires: at(-1_000) })
      const early = enrolled(`early-${workers}`, { notBefore: at(60_000) })
      const other = enrolled(`other-${workers}`, { policies: ['b'.repeat(64)] })
      for (const [device, outcome] of [
        [lost, 'revoked'],
        [old, 'expired'],
        [early, 'not_yet_valid'],
        [other, 'policy_not_accepted'],
      ] as const) {
        for (const lines of [jws(device.token('api.test:443')), nexus(device.nexus())]) {
          const { attestation, by } = await connect('api.test:443', lines)
          assert.partialDeepStrictEqual(attestation, { outcome, device: device.id })
          assert.equal(by, 'sallyport')
        }
      }
    })

    for (const form of ['jws', 'nexus'] as const) {
      test(`of many connections with one ${form} token one is attested, whichever worker they come to`, async () => {
        const lines = form === 'jws' ? claiming({}) : nexus(laptop.nexus())
        const known = new Set(stage.sallyport.rows('connections').map(({ id }) => id))
        const clients = await Promise.all(
          Array.from({ length: 8 }, () =>
            stage.connect('api.test:443', {
              ca: stage.sallyport.ca() + stage.authority.cert,
              connectHeaders: `${lines[0]}\r\n`,
            }),
          ),
        )
        for (const client of clients) client.close()
        const all = await stage.sallyport.rowsWhen('connections', (some) => some.length === known.size + 8)
        const outcomes = all
          .filter(({ id }) => !known.has(id))
          .map((row) => JSON.parse(String(row['attestation'])).outcome)
        for (const { id } of all) rows.add(id)
        assert.deepEqual(
          ['valid', 'replayed'].map((some) => outcomes.filter((outcome) => outcome === some).length),
          [1, 7],
        )
      })
    }

    test('a device that cannot be read is no proof', async () => {
      const damaged = enrolled(`damaged-${workers}`)
      const db = new Database(databasePath(data))
      db.prepare(`UPDATE devices SET policies = '{' WHERE id = ?`).run(damaged.id)
      db.close()
      const { attestation, by } = await connect('api.test:443', jws(damaged.token('api.test:443')))
      assert.partialDeepStrictEqual(attestation, { outcome: 'unavailable' })
      assert.equal(by, 'sallyport')
      assert.match(stage.sallyport.log(), /attestations cannot be verified/)
    })

    test('where none is accepted nobody looks, and the header goes no further', async () => {
      const { attestation, by } = await connect('closed.test:443', jws(laptop.token('closed.test:443')))
      assert.deepEqual([attestation, by], [null, 'sallyport'])
    })

    test('what is denied stays denied', async () => {
      for (const [host, code] of [
        ['denied.test', 'policy_denied'],
        ['guarded.test', 'policy_denied'],
      ] as const) {
        const client = await stage.raw()
        const token = laptop.token(`${host}:443`)
        client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\nSallyport-Attestation: ${token}\r\n\r\n`)
        const answer = await client.answer()
        assert.deepEqual([answer.status, answer.header('sallyport-error')], [403, code])
        const row = await stage.row('connections', (one) => one['host'] === host)
        rows.add(row['id'])
        assert.equal(row['handling'], 'deny')
      }
    })

    test('a token is for the host of its CONNECT, whatever the hello names', async () => {
      const client = stage.connect('api.test:443', {
        ca: stage.sallyport.ca() + stage.authority.cert,
        servername: 'picky.test',
        connectHeaders: `${claiming({})[0]}\r\n`,
      })
      await assert.rejects(client, /UNRECOGNIZED_NAME|unrecognized name/)
      const row = await stage.row('connections', (one) => one['sni'] === 'picky.test' && one['host'] === 'api.test')
      rows.add(row['id'])
      assert.deepEqual([row['handling'], row['reason']], ['deny', 'mismatch'])
    })

    test('what an attested connection carries is not looked into; the same without is blocked', async () => {
      assert.equal((await connect('api.test:443', claiming({}), { body: 'bluebird' })).status, 200)
      assert.equal((await connect('api.test:443', [], { body: 'bluebird' })).status, 403)
    })

    const inner: readonly [string, string, () => string, string][] = [
      ['a good header', 'valid', () => laptop.nexus('bluebird'), 'bluebird'],
      ['the hash of another body', 'bad_signature', () => laptop.nexus('other'), 'bluebird'],
      ['another key', 'bad_signature', () => attesting('laptop-1').nexus('bluebird'), 'bluebird'],
      ['nobody', 'unknown_device', () => attesting('stranger').nexus('bluebird'), 'bluebird'],
      ['garbage', 'malformed', () => 'v1', 'bluebird'],
      ['an old header', 'expired', () => laptop.nexus('bluebird', { ts: now() - 302 }), 'bluebird'],
      ['a header of the future', 'not_yet_valid', () => laptop.nexus('bluebird', { ts: now() + 330 }), 'bluebird'],
    ]
    for (const [what, outcome, value, body] of inner) {
      test(`a request inside, ${what}: ${outcome}`, async () => {
        const { status, attestation } = await connect('api.test:443', [], { body, headers: nexus(value()) })
        const row = await stage.exchange(`/${paths}`)
        assert.deepEqual([status, row['decision']], outcome === 'valid' ? [200, 'attested'] : [403, 'block'])
        assert.partialDeepStrictEqual(JSON.parse(String(row['attestation'])), { outcome, form: 'nexus' })
        assert.equal(attestation?.['outcome'], 'missing')
      })
    }

    test('a request inside counts once, and where a policy set is asked for or all are inspected not at all', async () => {
      const value = laptop.nexus('bluebird')
      const outcomes: unknown[] = []
      for (const [host, header] of [
        ['api.test', value],
        ['api.test', value],
        ['picky.test', laptop.nexus('bluebird')],
        ['sampled.test', laptop.nexus('bluebird')],
      ] as const) {
        await connect(`${host}:443`, [], { body: 'bluebird', headers: nexus(header) })
        outcomes.push(JSON.parse(String((await stage.exchange(`/${paths}`))['attestation'])).outcome)
      }
      assert.deepEqual(outcomes, ['valid', 'replayed', 'policy_not_accepted', 'reinspected'])
    })

    test('a request without the header says so, unless its CONNECT had one', async () => {
      await connect('api.test:443', [])
      assert.partialDeepStrictEqual(JSON.parse(String((await stage.exchange(`/${paths}`))['attestation'])), {
        outcome: 'missing',
      })
      await connect('api.test:443', jws('a.b.c'))
      assert.equal((await stage.exchange(`/${paths}`))['attestation'], null)
    })

    if (workers === 1) {
      test('garbage is not looked at any more when there was too much of it from an address', async () => {
        const from = '127.0.0.9'
        let outcome: unknown
        for (let i = 0; outcome !== 'rate_limited'; i += 1) {
          assert.ok(i < 1_000)
          const client = await stage.connect('api.test:443', {
            ca: stage.sallyport.ca(),
            connectHeaders: 'Sallyport-Attestation: x\r\n',
            from,
          })
          client.close()
          if (i % 25 === 24) {
            const some = stage.sallyport.rows('connections').filter((row) => row['client_ip'] === from)
            outcome = some
              .map((row) => JSON.parse(String(row['attestation'])).outcome)
              .find((one) => one === 'rate_limited')
          }
        }
        const { by } = await connect('api.test:443', claiming({}))
        assert.equal(by, 'origin')
      })
    }

    test('outcomes are counted', async () => {
      const { body } = await stage.sallyport.get('/metrics')
      for (const counted of [
        'outcome="valid",form="jws"',
        'outcome="missing",form="none"',
        'outcome="replayed",form="nexus"',
      ])
        assert.match(body, new RegExp(`sallyport_attestations_total\\{${counted}\\} [1-9]`))
      assert.match(body, /sallyport_connections_total\{door="proxy",handling="attested"\} [1-9]/)
    })
  })
}
