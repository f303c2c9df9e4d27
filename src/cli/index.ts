import type { CliCommand } from './command.ts'

/** A command before its code is loaded. */
export type LazyCommand = Pick<CliCommand, 'name' | 'summary'> & { readonly load: () => Promise<CliCommand> }

/** The commands, in the order of the help. Each loads its code only when it runs, so that every command starts fast. */
export const commands: readonly LazyCommand[] = [
  {
    name: 'serve',
    summary: 'run the doors until a signal ends them',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'exec',
    summary: 'run a command with its LLM traffic through Sallyport',
    load: async () => (await import('./exec.ts')).exec,
  },
  {
    name: 'agent',
    summary: 'redirect what users of this machine send through Sallyport, without them setting anything (Linux)',
    load: async () => (await import('./agent.ts')).agent,
  },
  {
    name: 'ca',
    summary: 'the local authority: make it, show it, hand it out, have it trusted here',
    load: async () => (await import('./ca.ts')).ca,
  },
  {
    name: 'policy',
    summary: 'check the policies, explain what they do with a host, run their tests, replay the record',
    load: async () => (await import('./policy.ts')).policy,
  },
  {
    name: 'audit',
    summary: 'read the ledger: follow it, search it, show one exchange, count',
    load: async () => (await import('./audit.ts')).audit,
  },
  {
    name: 'attest',
    summary: 'devices that inspect their own traffic, and their proofs of it',
    load: async () => (await import('./attest.ts')).attest,
  },
  {
    name: 'key',
    summary: 'virtual keys: who may use the gateway, and the proxy when it asks',
    load: async () => (await import('./key.ts')).key,
  },
  {
    name: 'scan',
    summary: 'run the detectors over files or standard input',
    load: async () => (await import('./scan.ts')).scan,
  },
  {
    name: 'config',
    summary: 'check the configuration, show it and where it comes from, print its schema',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'doctor',
    summary: 'find what is wrong with this machine or set-up',
    load: async () => (await import('./doctor.ts')).doctor,
  },
]
