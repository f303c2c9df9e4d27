import { z } from 'zod'
import { defineHook } from '../hook.ts'

/** Finds `REQUEST_SIZE` when a body is larger than allowed. */
export const requestSize = defineHook({
  name: 'request-size',
  stages: ['request'],
  options: z.strictObject({ maxBytes: z.int().min(0) }),
  create: ({ maxBytes }) => ({
    textless: true,
    placeless: true,
    inspect: ({ bodyBytes }) => ({ findings: bodyBytes > maxBytes ? [tooLarge] : [] }),
  }),
})

const tooLarge = {
  part: null,
  type: 'REQUEST_SIZE',
  rule: 'request-size',
  start: 0,
  end: 0,
  confidence: 1,
  severity: 'medium',
} as const
