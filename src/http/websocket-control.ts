import { isUtf8 } from 'node:buffer'
import { closeCodes, longestReason, readClose } from './websocket-close.ts'
import { opcodes } from './websocket-frame.ts'
import type { Frame } from './websocket-frame.ts'
import type { Judge, MessageWay } from './websocket-judge.ts'

export type ControlOutcome =
  /** It goes on as it came. */
  | { readonly kind: 'pass' }
  | { readonly kind: 'replace'; readonly payload: Buffer }
  /** The conversation ends. */
  | { readonly kind: 'stop'; readonly code: number; readonly reason: string }

/** What becomes of a control frame: the payload of a ping or pong, and the reason of a Close, are judged as messages are. */
export async function judgeControl({ opcode, payload }: Frame, way: MessageWay, judge: Judge): Promise<ControlOutcome> {
  if (opcode !== opcodes.close) return payload.length === 0 ? passes : judged(payload, way, judge)
  const read = readClose(payload)
  if (read.kind === 'invalid') return { kind: 'stop', code: read.close, reason: read.reason }
  if (read.reason === '') return passes
  const outcome = await judged(payload.subarray(codeBytes), way, judge)
  if (outcome.kind !== 'replace') return outcome
  return { kind: 'replace', payload: Buffer.concat([payload.subarray(0, codeBytes), outcome.payload]) }
}

async function judged(said: Buffer, way: MessageWay, judge: Judge): Promise<ControlOutcome> {
  const text = isUtf8(said) ? said.toString('utf8') : undefined
  const given = await judge(way, { text, bytes: said.length, control: true })
  const verdict = given.kind === 'later' ? await given.verdict : given
  if (verdict.kind === 'pass') return passes
  if (verdict.kind === 'close') return { kind: 'stop', code: closeCodes.policyViolation, reason: verdict.reason }
  const payload = Buffer.from(verdict.text)
  return payload.length <= longestReason ? { kind: 'replace', payload } : tooLong
}

const codeBytes = 2
const passes: ControlOutcome = { kind: 'pass' }
const tooLong: ControlOutcome = {
  kind: 'stop',
  code: closeCodes.policyViolation,
  reason: 'what policy puts into a control frame does not fit it',
}
