import { benchAttest } from './bench/attest.ts'
import { benchLedger } from './bench/ledger.ts'
import { benchProxy } from './bench/proxy.ts'
import { benchScan } from './bench/scan.ts'
import { benchWire } from './bench/wire.ts'

const [suite, ...args] = process.argv.slice(2)

// One line for each suite.
const suites: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  attest: benchAttest,
  ledger: benchLedger,
  proxy: benchProxy,
  scan: benchScan,
  wire: benchWire,
}

const run = suites[suite ?? '']
if (run === undefined) {
  console.error(`error: which benchmark? ${Object.keys(suites).join(', ')}`)
  console.error('hint: npm run bench -- proxy --quick')
  process.exitCode = 2
} else {
  process.exitCode = await run(args)
}
