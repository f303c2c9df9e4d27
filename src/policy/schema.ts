import { z } from 'zod'
import type { Media } from '../core/text.ts'
import { actions } from '../core/verdict.ts'

const Action = z.enum(actions)
const Glob = z.string().min(1)
const Globs = z.union([Glob, z.array(Glob)]).transform((globs) => (typeof globs === 'string' ? [globs] : globs))
const RejectedLeaf = z.enum(['refuse', 'tunnel'])

/** What an entry says of attestation; what it leaves out the configuration says. */
const AcceptedAttestation = z.strictObject({
  accept: z.boolean().optional(),
  minVersion: z
    .string()
    .regex(/^\d+(?:\.\d+){0,3}$/, 'must be a version such as 1.4')
    .optional(),
  policies: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{0,127}$/, 'must be the digest of a policy set, or any'))
    .min(1)
    .optional(),
  reinspect: z.number().min(0).max(1).optional(),
})

/** Which connections are inspected, relayed or refused. `catalogue` among the hosts is every provider host the program knows. */
const Intercept = z.strictObject({
  hosts: z.array(Glob).min(1),
  action: z.enum(['inspect', 'tunnel', 'deny']),
  reason: z.string().min(1).optional(),
  principal: Globs.optional(),
  client: Globs.optional(),
  onRejectedLeaf: RejectedLeaf.optional(),
  attestation: AcceptedAttestation.optional(),
})

/** All conditions must hold; a condition that is empty or not there always does. */
const When = z.strictObject({
  provider: Globs.optional(),
  model: Globs.optional(),
  host: Globs.optional(),
  path: Globs.optional(),
  principal: Globs.optional(),
  client: Globs.optional(),
  door: z
    .union([z.enum(['proxy', 'gateway']), z.array(z.enum(['proxy', 'gateway']))])
    .transform((doors) => (typeof doors === 'string' ? [doors] : doors))
    .optional(),
})

const ActionByType = z.intersection(z.object({ default: Action }), z.record(z.string(), Action))

const Rule = z.strictObject({
  name: z.string().min(1).max(200),
  on: z.enum(['connection', 'request', 'response', 'both']).optional(),
  when: When.optional(),
  hook: z.string().min(1),
  options: z.unknown().optional(),
  action: z.union([Action, ActionByType]).optional(),
  onError: z.enum(['block', 'allow']).default('block'),
  timeoutMs: z.int().positive().max(600_000).default(5_000),
})

const TestedText = z.strictObject({
  provider: z.string().default('generic'),
  model: z.string().optional(),
  host: z.string().optional(),
  path: z.string().optional(),
  principal: z.string().optional(),
  client: z.string().optional(),
  door: z.enum(['proxy', 'gateway']).default('proxy'),
  text: z.string(),
})

const Test = z
  .strictObject({
    name: z.string().min(1),
    request: TestedText.optional(),
    response: TestedText.optional(),
    expect: z.strictObject({
      action: Action,
      findings: z.array(z.string()).optional(),
      text: z.string().optional(),
    }),
  })
  .refine(
    (test) => (test.request === undefined) !== (test.response === undefined),
    'One of request and response is needed',
  )

const blockOrAllow = z.enum(['block', 'allow'])

const ByMedia = z.strictObject({
  image: blockOrAllow.optional(),
  audio: blockOrAllow.optional(),
  video: blockOrAllow.optional(),
  pdf: blockOrAllow.optional(),
  binary: blockOrAllow.optional(),
  default: blockOrAllow,
})

/** One value for all media, or one for each kind; kinds that are not named have the default. */
const Opaque = z
  .union([blockOrAllow.transform((all): z.infer<typeof ByMedia> => ({ default: all })), ByMedia])
  .transform((given): Readonly<Record<Media, 'block' | 'allow'>> => {
    const { default: otherwise } = given
    return {
      image: given.image ?? otherwise,
      audio: given.audio ?? otherwise,
      video: given.video ?? otherwise,
      pdf: given.pdf ?? otherwise,
      binary: given.binary ?? otherwise,
    }
  })

/** One policy file as it is written. Everything may be left out: what a file does not say, an earlier one or the default does. */
export const PolicyFile = z.strictObject({
  mode: z.enum(['enforce', 'observe']).optional(),
  intercept: z.array(Intercept).optional(),
  mismatch: z.enum(['deny', 'allow']).optional(),
  oversize: blockOrAllow.optional(),
  unreadable: blockOrAllow.optional(),
  opaque: Opaque.optional(),
  notTls: z.enum(['deny', 'tunnel']).optional(),
  unnamed: z.enum(['deny', 'tunnel']).optional(),
  hiddenName: z.enum(['deny', 'tunnel']).optional(),
  onRejectedLeaf: RejectedLeaf.optional(),
  holdbackChars: z.int().min(0).max(65_536).optional(),
  holdbackMs: z.int().min(0).max(60_000).optional(),
  rules: z.array(Rule).optional(),
  tests: z.array(Test).optional(),
})

export type PolicyFile = z.output<typeof PolicyFile>
export type InterceptEntry = z.output<typeof Intercept>
export type AcceptedAttestation = z.output<typeof AcceptedAttestation>
export type PolicyRule = z.output<typeof Rule>
export type PolicyWhen = z.output<typeof When>
export type PolicyTest = z.output<typeof Test>

/** What one value applies to the whole set; a later file's overrides an earlier one's. */
export type PolicyScalars = {
  readonly mode: 'enforce' | 'observe'
  readonly mismatch: 'deny' | 'allow'
  readonly oversize: 'block' | 'allow'
  readonly unreadable: 'block' | 'allow'
  /** What may pass although nobody can read it, by kind. */
  readonly opaque: Readonly<Record<Media, 'block' | 'allow'>>
  readonly notTls: 'deny' | 'tunnel'
  /** Redirected connections that name no host. */
  readonly unnamed: 'deny' | 'tunnel'
  /** Redirected connections whose hello may hold another name, encrypted. */
  readonly hiddenName: 'deny' | 'tunnel'
  readonly onRejectedLeaf: 'refuse' | 'tunnel'
  /** Characters of a streamed answer held back at most while they could begin a match. */
  readonly holdbackChars: number
  readonly holdbackMs: number
}

export const defaultScalars: PolicyScalars = {
  mode: 'enforce',
  mismatch: 'deny',
  oversize: 'block',
  unreadable: 'block',
  opaque: { image: 'allow', audio: 'allow', video: 'allow', pdf: 'allow', binary: 'allow' },
  notTls: 'deny',
  unnamed: 'deny',
  hiddenName: 'deny',
  onRejectedLeaf: 'refuse',
  holdbackChars: 512,
  holdbackMs: 250,
}
