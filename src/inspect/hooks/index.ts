import type { Hook } from '../hook.ts'
import { contentSafety } from './content-safety.ts'
import { dataResidency } from './data-residency.ts'
import { ipAccess } from './ip-access.ts'
import { keywords } from './keywords.ts'
import { pii } from './pii.ts'
import { presidio } from './presidio.ts'
import { promptInjection } from './prompt-injection.ts'
import { quality } from './quality.ts'
import { rateLimit } from './rate-limit.ts'
import { requestSize } from './request-size.ts'
import { secrets } from './secrets.ts'
import { toolCalls } from './tool-calls.ts'
import { webhook } from './webhook.ts'

/** Every hook that a policy rule can name. */
export const hooks: readonly Hook[] = [
  pii,
  secrets,
  keywords,
  promptInjection,
  contentSafety,
  toolCalls,
  requestSize,
  rateLimit,
  ipAccess,
  dataResidency,
  presidio,
  webhook,
  quality,
]
