import type { Hook } from '../hook.ts'
import { ipAccess } from './ip-access.ts'
import { keywords } from './keywords.ts'
import { pii } from './pii.ts'
import { requestSize } from './request-size.ts'
import { secrets } from './secrets.ts'
import { webhook } from './webhook.ts'

/** Every hook that a policy rule can name. */
export const hooks: readonly Hook[] = [pii, secrets, keywords, requestSize, ipAccess, webhook]
