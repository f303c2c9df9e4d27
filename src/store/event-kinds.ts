/**
 * Every event that the ledger knows, with what it says: each act of an operator or of the program that changes what is inspected or kept.
 * docs/ledger.md has the same table.
 */
export const eventKinds = {
  'program.start':
    'The program began to serve: version, processes, digest of the policies, CA, what is inspected, what is kept and where it is exported.',
  'program.stop': 'It ended in order; `after` has the signal.',
  'program.unclean':
    'Processes that had ended without a word, killed or with the machine, were found: `before` lists them, `after` counts the exchanges they had left open, which are `lost` now.',
  'worker.died': 'A worker ended by itself or was killed; another takes its place.',
  'redirect.start': 'The agent began to redirect the traffic of this machine: `after` says whose, and where to.',
  'redirect.stop':
    'It redirects nothing any more: `after` says why. Doors that were killed cannot say it; `program.unclean` tells of them.',
  'policy.reload': 'Other policies are in force: digests before and after.',
  'policy.refused': 'Changed policy files are not valid; those before stay in force.',
  'config.reload':
    'The configuration was read again: the settings that changed, secrets as `***`; `after.restart` lists those that wait for a restart.',
  'config.refused': 'The configuration was read again and is not valid; the one before stays in force.',
  'console.token': 'The token of the console was made.',
  'ca.init': 'A local CA was made.',
  'ca.rotate': 'A new CA took the place of the old one.',
  'ca.install': 'A trust store of this machine was given the CA.',
  'ca.uninstall': 'It was taken out of a trust store.',
  'key.create': 'A virtual key was made.',
  'key.revoke': 'A virtual key was ended.',
  'key.rotate': 'A virtual key got a new secret.',
  'device.enroll': 'A device that attests was enrolled; `after.by` is `code` when it did so itself.',
  'device.code':
    'A one-time code was made, with which a device enrols itself or, where `after.renews`, gets a new key.',
  'device.rotate': 'A device got a new key.',
  'device.revoke': 'A device was revoked, or a code for it ended.',
  'ledger.key.create': 'The key that signs checkpoints was made.',
  'ledger.replaced': 'The file of the ledger was removed or replaced while the program ran.',
  'ledger.recovered': 'The ledger could not be written for a while, and can again: `before` says since when and why.',
  'ledger.gap':
    'What that cost: exchanges that went on without a row before them, were refused, and rows that were given up.',
  'retention.purge': 'The oldest rows and their files were removed.',
  'audit.export':
    'Rows were taken out of the ledger: who, the filter, how many; to a file or standard output, or to the sink that is the subject.',
  'content.erase': 'Content of a principal, or of one exchange (`subject`), was removed on request; the rows stay.',
  'ledger.orphans':
    'Body files that no row names were removed, or files that rows name are missing: `after` counts them.',
  'export.gap': 'Rows were removed before a sink had them.',
} as const satisfies Readonly<Record<string, string>>

export type EventKind = keyof typeof eventKinds
