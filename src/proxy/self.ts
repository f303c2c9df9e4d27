import type { Answer } from '../core/http.ts'
import { bytesBody } from '../http/body.ts'

export type SelfPages = {
  readonly caPem: () => string
  readonly caDer: () => Buffer
  readonly crl: () => Buffer
  readonly fingerprint: () => string
  /** Globs of inspected hosts, for the PAC file; `any` sends everything here. */
  readonly inspected: () => readonly string[] | 'any'
}

/** What the proxy answers for itself: a set-up page, the certificate, the revocation list, a PAC file. `self` is how the client reached it, `scheme` by what. */
export function selfAnswer(
  pages: SelfPages,
  method: string,
  path: string,
  self: string,
  scheme: 'http' | 'https' = 'http',
): Answer {
  if (method !== 'GET' && method !== 'HEAD')
    return answer(405, 'text/plain; charset=utf-8', Buffer.from('only GET here\n'), ['allow', 'GET, HEAD'])
  const page = routes[path]?.(pages, self, scheme)
  if (page === undefined)
    return answer(404, 'text/plain; charset=utf-8', Buffer.from('nothing here; try / for how to use this proxy\n'))
  return answer(
    200,
    page.type,
    page.body,
    page.file === undefined ? [] : ['content-disposition', `attachment; filename="${page.file}"`],
  )
}

type Page = { readonly type: string; readonly body: Buffer; readonly file?: string }

type Scheme = 'http' | 'https'

const routes: Record<string, ((pages: SelfPages, self: string, scheme: Scheme) => Page) | undefined> = {
  '/': (pages, self, scheme) => ({
    type: 'text/html; charset=utf-8',
    body: Buffer.from(setUpPage(`${scheme}://${self}`, pages.fingerprint())),
  }),
  '/ca.pem': (pages) => ({
    type: 'application/x-pem-file',
    body: Buffer.from(pages.caPem()),
    file: 'sallyport-ca.pem',
  }),
  '/ca.der': (pages) => ({ type: 'application/x-x509-ca-cert', body: pages.caDer(), file: 'sallyport-ca.crt' }),
  '/ca.crl': (pages) => ({ type: 'application/pkix-crl', body: pages.crl() }),
  '/proxy.pac': (pages, self, scheme) => ({
    type: 'application/x-ns-proxy-autoconfig',
    body: Buffer.from(pacFile(pages.inspected(), `${scheme === 'https' ? 'HTTPS' : 'PROXY'} ${self}`)),
  }),
}

function answer(status: number, type: string, body: Buffer, more: readonly string[] = []): Answer {
  const headers = [
    'content-type',
    type,
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
    'x-content-type-options',
    'nosniff',
    ...more,
  ]
  return { head: { status, reason: '', headers, version: '1.1' }, body: bytesBody(body) }
}

/** JavaScript of the FindProxyForURL dialect (ES3): one list and one loop, whatever the number of hosts. `through` is as `PROXY host:port`. */
export function pacFile(inspected: readonly string[] | 'any', through: string): string {
  const fallback = inspected === 'any' ? `"${through}"` : '"DIRECT"'
  const globs = inspected === 'any' ? [] : inspected.filter((glob) => /^[A-Za-z0-9*?._-]+$/.test(glob))
  return [
    'function FindProxyForURL(url, host) {',
    `  var globs = ${JSON.stringify(globs)};`,
    '  host = host.toLowerCase();',
    `  for (var i = 0; i < globs.length; i++) if (shExpMatch(host, globs[i])) return "${through}";`,
    `  return ${fallback};`,
    '}',
    '',
  ].join('\n')
}

function setUpPage(url: string, fingerprint: string): string {
  return `<!doctype html>
<meta charset="utf-8"><title>Sallyport</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}code,pre{background:#8881;padding:.1em .3em;border-radius:4px}pre{padding:1em;overflow:auto}</style>
<h1>Sallyport</h1>
<p>This is a proxy. Send applications through it, and let them trust its authority:</p>
<pre>export HTTPS_PROXY=${url} NODE_USE_ENV_PROXY=1
curl -o sallyport-ca.pem ${url}/ca.pem
export NODE_EXTRA_CA_CERTS=$PWD/sallyport-ca.pem
cat /etc/ssl/certs/ca-certificates.crt sallyport-ca.pem &gt; bundle.pem
export SSL_CERT_FILE=$PWD/bundle.pem REQUESTS_CA_BUNDLE=$PWD/bundle.pem CURL_CA_BUNDLE=$PWD/bundle.pem</pre>
<p><a href="/ca.pem">ca.pem</a> · <a href="/ca.der">ca.der</a> · <a href="/ca.crl">ca.crl</a> · <a href="/proxy.pac">proxy.pac</a></p>
<p>SHA-256 of the authority: <code>${fingerprint}</code></p>
<p>Or, on this machine: <code>sallyport exec -- your-command</code></p>
`
}
