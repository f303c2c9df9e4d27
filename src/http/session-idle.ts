import type { Http2Session } from 'node:http2'

/**
 * Calls `idle` `ms` after the last `refresh` or PING, while the session lasts. Node's own timeout goes on when the session has ended, and
 * keeps it in memory, and its socket, until then.
 */
export function sessionIdle(session: Http2Session, ms: number, idle: () => void): { readonly refresh: () => void } {
  const timer = setTimeout(idle, ms).unref()
  session.on('ping', () => void timer.refresh())
  session.once('close', () => clearTimeout(timer))
  return {
    refresh() {
      if (!session.destroyed) timer.refresh()
    },
  }
}
