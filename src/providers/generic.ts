import { anyReading, defineProvider } from './define.ts'
import type { Dialect } from './dialect.ts'
import type { Refusal } from './provider.ts'

/** What no dialect knows: JSON, forms and text, every string of them. */
export const genericDialect: Dialect = {
  name: 'generic',
  operation: () => undefined,
  readings: { unknown: anyReading },
  refuse: (refusal) => {
    if (refusal.accept !== undefined && prefersHtml(refusal.accept)) {
      return { contentType: 'text/html; charset=utf-8', body: page(refusal) }
    }
    return { contentType: 'application/json', body: errorBody(refusal) }
  },
  refuseEvent: (refusal, about) => {
    const lines =
      about !== undefined &&
      !about.contentType.toLowerCase().startsWith('text/event-stream') &&
      about.contentType !== ''
    return lines ? `${errorBody(refusal)}\n` : `event: error\ndata: ${errorBody(refusal)}\n\n`
  },
}

/** The last of all: takes what nobody else takes. */
export const generic = defineProvider('generic', [], [genericDialect])

function errorBody({ code, message }: Refusal): string {
  return JSON.stringify({ error: { code, message } })
}

function prefersHtml(accept: string): boolean {
  const html = accept.indexOf('text/html')
  const json = accept.indexOf('application/json')
  return html >= 0 && (json < 0 || html < json)
}

function page({ status, code, message }: Refusal): string {
  return `<!doctype html><meta charset="utf-8"><title>${status}</title><h1>${escaped(message)}</h1><p>${escaped(code)}</p>\n`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
