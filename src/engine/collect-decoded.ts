import type { Body } from '../core/http.ts'
import { collect, copies } from '../http/body.ts'
import type { Collected } from '../http/body.ts'
import type { Lease } from '../http/budget.ts'
import { decodeContent } from '../http/encoding.ts'

/** `content` is undefined when the codings cannot be undone. */
export type CollectedContent =
  | Extract<Collected, { kind: 'over' }>
  | { readonly kind: 'whole'; readonly bytes: Buffer; readonly content: Buffer | undefined }

/**
 * A body collected, and its codings undone. Where there is no room for what comes out, the coded bytes wait on disk until there is room for
 * the most that they could give.
 */
export async function collectDecoded(
  body: Body,
  codings: readonly string[],
  limit: number,
  lease?: Lease,
): Promise<CollectedContent> {
  let collected: Collected | undefined = await collect(body, limit, lease)
  if (collected.kind === 'over') return collected
  if (codings.length === 0) return { ...collected, content: collected.bytes }
  const content = await decodeContent(
    collected.bytes,
    codings,
    limit,
    (bytes) => lease === undefined || lease.take(bytes * copies),
  )
  if (content.kind !== 'full' || lease === undefined) return { ...collected, content: contentOf(content) }
  const file = lease.spool()
  const { length } = collected.bytes
  await file.write(collected.bytes)
  // Whoever waits holds nothing: no one can wait for another that waits.
  collected = undefined
  lease.give(lease.held)
  await lease.wait((length + limit) * copies)
  const bytes = await file.whole()
  file.close()
  const again = contentOf(await decodeContent(bytes, codings, limit))
  lease.give((limit - (again?.length ?? 0)) * copies)
  return { kind: 'whole', bytes, content: again }
}

function contentOf(content: Awaited<ReturnType<typeof decodeContent>>): Buffer | undefined {
  return content.kind === 'content' ? content.bytes : undefined
}
