import type { BundleHead } from '../verify/bundle.ts'

/** What a stranger needs to know of a bundle. */
export function bundleReadme(head: BundleHead, counts: { readonly blocks: number; readonly rows: number }): string {
  const range = head.excerpt
    ? `Rows from ${head.since ?? 'the beginning'} to before ${head.until ?? 'the end'}; of all other rows in these blocks only the digests.`
    : 'The whole ledger.'
  return `A part of the audit ledger of Sallyport, with what is needed to verify it.

Made ${head.made}. Ledger ${head.ledger}. Blocks: ${counts.blocks}, rows: ${counts.rows}.
${range}

To verify it, with Node 20.12 or newer and nothing else:

  node verify.mjs --public-key FILE

FILE is the public key of the ledger (data/ledger.pub where it was written), from a source that you trust. Without it
the key in this folder is taken: compare its fingerprint with the one you know. --checkpoints FILE also holds the
bundle against checkpoints that were kept elsewhere. The exit status is 0 when all fits.

bundle.json                                      what this is
blocks.jsonl                                     the chain: n, at, entries (base64), link (hex)
exchanges.jsonl, connections.jsonl, events.jsonl the rows, in the order of the chain
checkpoints.jsonl                                signed statements about the chain
bodies/                                          content that does not stand in a row
ledger.pub                                       the public key
verify.mjs                                       the verifier

Everything here is text or content as it was recorded; the format is described in docs/ledger.md of Sallyport.
Content may be confidential, and was written by strangers: do not run or open it carelessly.
`
}
