import { z } from 'zod'

/**
 * What an operator says of a device that may attest: `policies` are digests, or `any`; without them those that the proxy accepts of anybody hold.
 */
export type DeviceSettings = z.infer<typeof deviceSettings>

/** ISO 8601 in UTC with milliseconds. */
const time = z.iso.datetime({ precision: 3 })

export const deviceSettings = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first'),
    owner: z
      .string()
      .min(1, 'must not be empty')
      .max(128, 'must have at most 128 characters')
      .refine((text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text), 'must have no control characters')
      .nullable()
      .default(null),
    policies: z
      .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{0,127}$/, 'must be digests of policy sets'))
      .max(100, 'must be at most 100 digests')
      .default([]),
    notBefore: time,
    expires: time,
  })
  .refine(({ notBefore, expires }) => notBefore < expires, { path: ['expires'], message: 'must be after --not-before' })
