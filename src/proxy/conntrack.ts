import { createReadStream } from 'node:fs'
import { plainAddress } from '../lib/ip.ts'

/** An address in its usual spelling, and a port. */
export type Destination = { readonly address: string; readonly port: number }

/** A connection as it arrived. */
export type Flow = {
  readonly client: string
  readonly clientPort: number
  readonly local: string
  readonly localPort: number
}

/**
 * Looks connections up in the kernel's table of them, which only root can read: piece by piece, few at a time and only so far. What is not found
 * so is not told.
 */
export function trackedDestination(table: string): (flow: Flow) => Promise<Destination | undefined> {
  let looking = 0
  return async (flow) => {
    if (looking >= maxLooking) return undefined
    looking += 1
    try {
      return await lookUp(table, flow)
    } catch {
      return undefined
    } finally {
      looking -= 1
    }
  }
}

async function lookUp(table: string, flow: Flow): Promise<Destination | undefined> {
  let rest = ''
  for await (const chunk of createReadStream(table, { encoding: 'latin1', end: maxBytes })) {
    const lines = (rest + (chunk as string)).split('\n')
    rest = (lines.pop() ?? '').slice(-maxLine)
    for (const line of lines) {
      const destination = destinationIn(line, flow)
      if (destination !== undefined) return destination
    }
  }
  return destinationIn(rest, flow)
}

/**
 * Where the connection of a line was going, when it is this one: each line has the four ends of the connection as it was opened, and then those
 * of the answers to it.
 */
export function destinationIn(line: string, flow: Flow): Destination | undefined {
  // Most lines are about others, and this is cheap.
  if (!line.includes(` sport=${flow.clientPort} `)) return undefined
  const [opened, answers] = [...line.matchAll(ends)]
  if (opened === undefined || answers === undefined || !/^\S+ +\d+ +tcp /.test(line)) return undefined
  const [from, to, fromPort, toPort] = endsOf(opened)
  const [local, client, localPort, clientPort] = endsOf(answers)
  const isIt =
    from === flow.client &&
    fromPort === flow.clientPort &&
    client === flow.client &&
    clientPort === flow.clientPort &&
    local === flow.local &&
    localPort === flow.localPort
  return isIt && toPort > 0 && toPort <= 65_535 ? { address: to, port: toPort } : undefined
}

function endsOf(match: RegExpExecArray): readonly [string, string, number, number] {
  const [, source = '', destination = '', sourcePort, destinationPort] = match
  return [plainAddress(source), plainAddress(destination), Number(sourcePort), Number(destinationPort)]
}

const ends = /\bsrc=([0-9a-f.:]+) dst=([0-9a-f.:]+) sport=(\d{1,5}) dport=(\d{1,5})\b/g
const maxLooking = 4
const maxBytes = 67_108_864
const maxLine = 1_024
