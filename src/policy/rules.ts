import { basename, dirname, resolve } from 'node:path'
import { errorCodes, SallyportError } from '../core/errors.ts'
import type { Pack, RuleBook } from '../detect/index.ts'
import type { ActionMap, Binding } from '../inspect/binding.ts'
import type { BoundHook, ExchangeFacts, Hook, HookEnv } from '../inspect/hook.ts'
import { memoryLimiter } from '../inspect/limiter.ts'
import type { Limiter } from '../inspect/limiter.ts'
import { nearest } from '../lib/nearest.ts'
import { readRegularFile } from '../lib/regular-file.ts'
import { problemAt, validateYaml } from '../lib/yaml-strict.ts'
import type { Problem } from '../lib/yaml-strict.ts'
import { canonicalJson } from './digest.ts'
import type { ReadPolicy } from './files.ts'
import { ruleConditions } from './conditions.ts'
import type { Condition } from './conditions.ts'
import type { PolicyRule } from './schema.ts'

/** A rule, ready to be asked and bound. */
export type CompiledRule = {
  readonly rule: PolicyRule
  readonly file: string
  readonly line: number
  readonly conditions: readonly Condition<ExchangeFacts>[]
  readonly binding: Binding
  /** Where the rule is asked about connections that are relayed unread although it does not say so. */
  readonly onTunnels: boolean
}

export type RuleSources = {
  readonly hooks: readonly Hook[]
  readonly book: RuleBook
  readonly catalogue: readonly string[]
  readonly now: () => number
  /** What counts for rate limits; in memory when it is not given. */
  readonly limiter?: Limiter | undefined
}

/** A file that a hook read for its options: lists of words and the like. */
type UsedFile = { readonly path: string; readonly content: string }

export type CompiledRules = {
  readonly rules: readonly CompiledRule[]
  readonly used: readonly UsedFile[]
  readonly problems: readonly Problem[]
}

/** The rules of all files in order, each with its hook made from its options, or what is wrong with them. */
export function compileRules(files: readonly ReadPolicy[], sources: RuleSources): CompiledRules {
  const rules: CompiledRule[] = []
  const used = new Map<string, UsedFile>()
  const problems: Problem[] = []
  for (const file of files) {
    const create = detectorsOnce(envFor(file.path, sources, used))
    for (const [index, rule] of (file.content.rules ?? []).entries()) {
      const made = compileRule(file, index, rule, sources, create)
      if ('problems' in made) problems.push(...made.problems)
      else rules.push(made)
    }
  }
  return { rules, used: [...used.values()], problems }
}

function compileRule(
  file: ReadPolicy,
  index: number,
  rule: PolicyRule,
  sources: RuleSources,
  create: Create,
): CompiledRule | { readonly problems: readonly Problem[] } {
  const wrong = (key: string, message: string, hint?: string): { readonly problems: readonly Problem[] } => ({
    problems: [problemAt(file.document, ['rules', index, key], message, hint)],
  })
  const hook = sources.hooks.find((known) => known.name === rule.hook)
  if (hook === undefined) return wrong('hook', `there is no hook ${rule.hook}`, hookHint(rule.hook, sources.hooks))
  const on = stagesOf(rule, hook)
  if (on === undefined) return wrong('on', `the hook ${hook.name} does not run on ${rule.on}`, stageHint(hook))
  const late = on === 'connection' ? knownLater.find((key) => rule.when?.[key] !== undefined) : undefined
  if (late !== undefined) return wrong('when', `${late} is not known when a connection begins`)
  const bound = boundHook(file, index, hook, rule, create)
  if ('problems' in bound) return bound
  if (on === 'connection' && bound.kind === 'detector')
    return wrong('on', `with these options the hook ${hook.name} looks for texts, and a connection has none`)
  if (rule.action === undefined && bound.kind === 'detector') {
    return wrong('action', `rules[${index}].action is missing`, 'expected allow, flag, tokenize, redact or block')
  }
  if (bound.kind === 'judge' && bound.placeless === true && edits(rule.action))
    return wrong('action', `what ${hook.name} finds is in no text`, 'expected allow, flag or block')
  const unknown = bound.kind === 'detector' ? unknownType(rule.action, sources.book.packs) : undefined
  if (unknown !== undefined) return wrong('action', `there is no type ${unknown.type}`, unknown.hint)
  try {
    const conditions = ruleConditions(rule.when ?? {}, sources.catalogue)
    const line = file.document.positionOf(['rules', index])?.line ?? 1
    const { name, onError, timeoutMs } = rule
    const binding: Binding = { name, on, hook: bound, action: actionMap(rule.action), onError, timeoutMs }
    return { rule, file: file.path, line, conditions, binding, onTunnels: asksTunnels(rule, hook) }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return wrong('when', error.message)
  }
}

/** The rule's `on`, or all that the hook can; undefined when the hook cannot do what the rule asks. */
function stagesOf(rule: PolicyRule, hook: Hook): Binding['on'] | undefined {
  const request = hook.stages.includes('request')
  const response = hook.stages.includes('response')
  switch (rule.on) {
    case 'connection':
      return hook.stages.includes('connection') ? 'connection' : undefined
    case 'request':
      return request ? 'request' : undefined
    case 'response':
      return response ? 'response' : undefined
    case 'both':
      return request && response ? 'both' : undefined
    case undefined:
      return request && response ? 'both' : request ? 'request' : response ? 'response' : 'connection'
  }
}

/** Without `on`, a rule looks wherever its hook can; conditions on what a tunnel hides keep it out of there. */
function asksTunnels({ on, when }: PolicyRule, hook: Hook): boolean {
  return on === undefined && hook.asksTunnels === true && knownLater.every((key) => when?.[key] === undefined)
}

const knownLater = ['provider', 'model', 'path'] as const

function boundHook(
  file: ReadPolicy,
  index: number,
  hook: Hook,
  rule: PolicyRule,
  create: Create,
): BoundHook | { readonly problems: readonly Problem[] } {
  const options = rule.options ?? {}
  const at = ['rules', index, 'options'] as const
  const checked = validateYaml(file.document, hook.options, { at, value: options })
  if ('problems' in checked) return checked
  try {
    return create(hook, options, rule.name)
  } catch (error) {
    const message = error instanceof Error ? error.message : 'cannot be made'
    return { problems: [problemAt(file.document, at, `${hook.name}: ${message}`, ownHint(error))] }
  }
}

type Create = (hook: Hook, options: unknown, rule: string) => BoundHook

/** Rules that ask the same of a detector share one: it has no state, and it is what takes time and memory to make. */
function detectorsOnce(env: Omit<HookEnv, 'rule'>): Create {
  const made = new Map<string, BoundHook>()
  return (hook, options, rule) => {
    const key = `${hook.name} ${canonicalJson(options)}`
    const known = made.get(key)
    if (known !== undefined) return known
    const bound = hook.create(options, { ...env, rule })
    if (bound.kind === 'detector') made.set(key, bound)
    return bound
  }
}

/** Paths are relative to the policy file; what was read belongs to the digest. */
function envFor(policyFile: string, sources: RuleSources, used: Map<string, UsedFile>): Omit<HookEnv, 'rule'> {
  return {
    book: sources.book,
    now: sources.now,
    limiter: sources.limiter ?? memoryLimiter(sources),
    readFile: (given) => {
      const path = resolve(dirname(policyFile), given)
      const known = used.get(path)
      if (known !== undefined) return known.content
      try {
        const content = readRegularFile(path)
        used.set(path, { path, content })
        return content
      } catch (cause) {
        used.set(path, { path, content: '' })
        const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
        throw new SallyportError('policy_invalid', `the file ${basename(path)} cannot be read: ${reason}`, { cause })
      }
    },
  }
}

/** A judge says itself how grave its findings are; where it does not, and the rule neither, they block. */
function actionMap(action: PolicyRule['action']): ActionMap {
  if (action === undefined) return { default: 'block', byType: new Map() }
  if (typeof action === 'string') return { default: action, byType: new Map() }
  const { default: otherwise, ...byType } = action
  return { default: otherwise, byType: new Map(Object.entries(byType)) }
}

/** A key of a detector's actions that no finding can have: misspelt, it would leave what it was for to the default. */
function unknownType(action: PolicyRule['action'], packs: readonly Pack[]): { type: string; hint: string } | undefined {
  if (typeof action !== 'object') return undefined
  const types = packs.flatMap((pack) => pack.rules.map((rule) => rule.type))
  const known = new Set(['default', 'KEYWORD', ...types, ...types.map((type) => type.split(':', 1)[0] ?? type)])
  const type = Object.keys(action).find((key) => !known.has(key) && !key.startsWith('KEYWORD:'))
  if (type === undefined) return undefined
  const close = nearest(type, [...known])
  return { type, hint: close === undefined ? 'a rule pack must find it' : `did you mean ${close}?` }
}

/** Whether an action would change texts. */
function edits(action: PolicyRule['action']): boolean {
  const taken = typeof action === 'object' ? Object.values(action) : [action]
  return taken.includes('tokenize') || taken.includes('redact')
}

function hookHint(name: string, hooks: readonly Hook[]): string {
  const names = hooks.map((hook) => hook.name)
  const close = nearest(name, names)
  return close === undefined ? `hooks: ${names.join(', ')}` : `did you mean ${close}?`
}

/** The hint of an error, where it is not only that of its code. */
function ownHint(error: unknown): string | undefined {
  if (!(error instanceof SallyportError) || error.hint === errorCodes[error.code].hint) return undefined
  return error.hint.charAt(0).toLowerCase() + error.hint.slice(1)
}

const stageHint = (hook: Hook): string => `it runs on ${hook.stages.join(', ')}`
