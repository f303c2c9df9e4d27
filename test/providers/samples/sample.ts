import type { AnswerFacts } from '../../../src/core/chat.ts'
import type { Target } from '../../../src/core/http.ts'
import type { About, Operation } from '../../../src/providers/provider.ts'

/** Bodies of one operation as its vendor sends and answers them; texts that must be found are marked with «…». */
export type Sample = {
  readonly operation: Operation
  readonly path: string
  readonly request: string
  readonly answer: string
  readonly stream: {
    readonly contentType: string
    readonly text: string
    readonly bytes?: Uint8Array
    readonly facts: AnswerFacts
  }
}

export function target(path: string, host = 'llm.example', port = 443): Target {
  return { scheme: 'https', host, port, path, query: '' }
}

export function aboutOf(operation: Operation, path: string, contentType = 'application/json'): About {
  return { operation, target: target(path), contentType }
}

/** Server-sent events; `names`: with the event's type as its name. */
export const sse = (events: readonly unknown[], names = false): string =>
  events
    .map((data) => {
      const name = names ? `event: ${(data as { type: string }).type}\n` : ''
      return `${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
    })
    .join('')
