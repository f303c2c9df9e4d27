import type { Command as Commander } from 'commander'
import { enroll, list, revoke, rotate } from './attest-devices.ts'
import type { EnrollFlags, RotateFlags } from './attest-devices.ts'
import { readsConfig } from './attest-flags.ts'
import type { Flags } from './attest-flags.ts'
import { keygen } from './attest-keygen.ts'
import type { KeygenFlags } from './attest-keygen.ts'
import { reconcileLedgers } from './attest-reconcile.ts'
import type { ReconcileFlags } from './attest-reconcile.ts'
import { redeem } from './attest-redeem.ts'
import type { RedeemFlags } from './attest-redeem.ts'
import { sign, verify } from './attest-tokens.ts'
import type { SignFlags, TokenFlags } from './attest-tokens.ts'
import type { CliCommand, Io, RunAction } from './command.ts'

export const attest: CliCommand = {
  name: 'attest',
  summary: 'devices that inspect their own traffic, and their proofs of it',
  examples: [
    'sallyport attest keygen --out device.pem',
    'sallyport attest enroll --device laptop-7 --public-key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo --owner ann',
    'sallyport attest enroll --device laptop-8 --code',
    'sallyport attest redeem --console http://sallyport.example:3000 --code-file code.txt --key device.pem',
    'sallyport attest list --json',
    'sallyport attest rotate laptop-7 --public-key new.pub --overlap 24h',
    'sallyport attest revoke laptop-7',
    'sallyport attest sign --key device.pem --device laptop-7 --audience egress-1 --authority api.openai.com:443',
    'sallyport attest verify - --audience egress-1 --authority api.openai.com:443 < token.txt',
    'sallyport attest reconcile endpoint/sallyport.db network/sallyport.db --since 7d',
  ],
  build: (command, io, run) => {
    atDevice(command, io, run)
    forDevices(command, io, run)
    ofTokens(command, io, run)
    ofLedgers(command, io, run)
  },
}

function atDevice(command: Commander, io: Io, run: RunAction): void {
  command
    .command('keygen')
    .description('make the key of a device and print its public half')
    .requiredOption('--out <file>', 'where the private key goes (PKCS#8 PEM, 0600); it must not be there yet')
    .option('--json', 'print one JSON object')
    .action(run((flags: KeygenFlags) => keygen(flags, io)))
  command
    .command('redeem')
    .description('enrol this device, or renew its key, with a code from the operator')
    .requiredOption('--console <url>', 'address of the console of the network proxy')
    .requiredOption('--code-file <file>', 'file that has the code; - for standard input')
    .requiredOption('--key <file>', 'private key of this device, of `attest keygen`')
    .option('--json', 'print one JSON object')
    .action(run((flags: RedeemFlags) => redeem(flags, io)))
}

function forDevices(command: Commander, io: Io, run: RunAction): void {
  printing(withKey(command.command('enroll').description('let a device attest, with its public key or a code')))
    .requiredOption('--device <id>', 'what it is called: 1 to 64 of A-Z a-z 0-9 . _ -')
    .option('--owner <owner>', 'who answers for it')
    .option('--expires <when>', 'end of its time: 90d, or a date or time (ISO 8601, UTC)', '90d')
    .option('--not-before <when>', 'beginning of its time (default: now)')
    .option('--policies <list>', 'digests of the policy sets that count for it, with commas between')
    .action(run((flags: EnrollFlags) => enroll(flags, io)))
  printing(command.command('list').description('print the devices')).action(run((flags: Flags) => list(flags, io)))
  printing(command.command('revoke <id>').description('end a device, and a code for it, at once')).action(
    run((id: string, flags: Flags) => revoke(id, flags, io)),
  )
  printing(withKey(command.command('rotate <id>').description('give a device another key; the old one ends at once')))
    .option('--overlap <period>', 'the old one is good for so much longer: 30m, 24h, 7d')
    .option('--expires <when>', 'another end of its time')
    .action(run((id: string, flags: RotateFlags) => rotate(id, flags, io)))
}

function ofTokens(command: Commander, io: Io, run: RunAction): void {
  printing(forConnect(command.command('sign').description('print a token for one CONNECT, to try things out')))
    .requiredOption('--key <file>', 'private key of the device')
    .requiredOption('--device <id>', 'the device that signs')
    .option('--policy <digest>', 'digest of the policy set (default: that of the configured folder)')
    .option('--ttl <seconds>', 'how long it holds, at most 120', '60')
    .action(run((flags: SignFlags) => sign(flags, io)))
  printing(
    forConnect(
      command
        .command('verify <token>')
        .description('say what the proxy would make of a token (- for standard input), without spending it'),
    ),
  ).action(run((token: string, flags: TokenFlags) => verify(token, flags, io)))
}

function ofLedgers(command: Commander, io: Io, run: RunAction): void {
  command
    .command('reconcile <A.db> <B.db>')
    .description('name the tokens that only one of two ledgers tells of: that of an endpoint, and that of its proxy')
    .option('--since <when>', 'not before: 30m, 24h, 7d, or a date or time (UTC)')
    .option('--until <when>', 'before')
    .option('--device <id>', 'only tokens of this device (default: of those that the other ledger signs as)')
    .option('--json', 'print JSON lines')
    .action(run((a: string, b: string, flags: ReconcileFlags) => reconcileLedgers(a, b, flags, io)))
}

function withKey(command: Commander): Commander {
  return command
    .option('--public-key <key>', 'its public key: base64url of the 32 bytes, or a file with that or with PEM')
    .option('--code', 'print a code instead, with which the device brings its key itself')
    .option('--code-valid <period>', 'how long the code is good (default: 24h)')
}

function forConnect(command: Commander): Commander {
  return command
    .requiredOption('--audience <name>', 'the proxy that it is for: its `attestation.audience`')
    .requiredOption('--authority <host:port>', 'the target of the CONNECT')
}

function printing(command: Commander): Commander {
  return readsConfig(command).option('--json', 'print JSON lines')
}
