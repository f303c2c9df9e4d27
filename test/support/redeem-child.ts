import { randomBytes } from 'node:crypto'
import { openDevices } from '../../src/access/devices.ts'

/** Redeems codes, each with a key of its own, as fast as it can once it is told to; prints how many were taken. */
const [dir = '', device = '', ...codes] = process.argv.slice(2)
const devices = openDevices({ dir, durability: 'crash', who: 'child', now: Date.now })
process.stdout.write('ready\n')
process.stdin.once('data', () => {
  const outcomes = codes.map((code) => {
    const codeKey = Buffer.from(code, 'hex')
    return devices.redeem({ device, codeKey, publicKey: randomBytes(32), from: '192.0.2.1' }).kind
  })
  process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit())
})
