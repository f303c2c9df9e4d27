// Preloaded into the other proxies: every name is on loopback, as `upstream.resolve` says it for ours.
import dns from 'node:dns'

type Found = (error: null, address: string | { address: string; family: number }[], family?: number) => void

const lookup = (_host: string, options: dns.LookupOptions | Found, found?: Found) => {
  const done = typeof options === 'function' ? options : (found as Found)
  const all = typeof options === 'object' && options.all === true
  process.nextTick(() => (all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)))
}

Object.assign(dns, { lookup })
Object.assign(dns.promises, {
  lookup: (_host: string, options?: dns.LookupOptions) =>
    Promise.resolve(
      options?.all === true ? [{ address: '127.0.0.1', family: 4 }] : { address: '127.0.0.1', family: 4 },
    ),
})
