import { debian } from './debian.ts'
import { java } from './java.ts'
import { macos } from './macos.ts'
import { nss } from './nss.ts'
import { redhat } from './redhat.ts'
import type { TrustStore } from './store.ts'
import { windows } from './windows.ts'

/** The system's stores first: others may be fed from them. */
export const trustStores: readonly TrustStore[] = [debian, redhat, macos, windows, nss, java]
