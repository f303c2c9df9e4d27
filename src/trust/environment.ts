export type EnvironmentOptions = {
  /** `http://host:port`, with credentials where the proxy asks for them. */
  readonly proxyUrl: string
  /** The CA alone: for those that add it to the roots they have. */
  readonly caFile: string
  /** System roots and the CA: for those that trust this file instead of their own. */
  readonly bundleFile: string
  /** Hosts that are reached directly. */
  readonly noProxy?: readonly string[]
  /** A PKCS#12 store of the bundle's certificates, for Java; without it Java is left alone. */
  readonly javaStore?: { readonly file: string; readonly password: string }
  /** The variables there are now, for the ones that are added to. */
  readonly inherited?: Readonly<Record<string, string | undefined>>
}

/**
 * Every variable that leads a program's traffic to the proxy and lets it trust the local CA, whatever it is written in. ALL_PROXY is
 * not among them: it would send other protocols to a proxy that speaks HTTP.
 */
export function environmentFor(options: EnvironmentOptions): Record<string, string> {
  const { proxyUrl, caFile, bundleFile, noProxy = LOOPBACK, javaStore, inherited = {} } = options
  const variables: Record<string, string> = {}
  for (const name of PROXIES) setBothCases(variables, name, proxyUrl)
  setBothCases(variables, 'NO_PROXY', noProxy.join(','))
  for (const name of ADDING) variables[name] = caFile
  for (const name of REPLACING) variables[name] = bundleFile
  for (const [name, value] of Object.entries(SWITCHES)) variables[name] = value
  variables['GLOBAL_AGENT_HTTP_PROXY'] = proxyUrl
  variables['GLOBAL_AGENT_NO_PROXY'] = noProxy.join(',')
  if (javaStore !== undefined) {
    const before = inherited['JAVA_TOOL_OPTIONS'] ?? ''
    variables['JAVA_TOOL_OPTIONS'] = [before, ...javaOptions(proxyUrl, noProxy, javaStore)].join(' ').trim()
  }
  return variables
}

/** What must not be inherited beside them: libraries that read it first, or for what has no variable of its own, would go past the proxy. */
export const unsetVariables: readonly string[] = ['ALL_PROXY', 'all_proxy']

/** Hosts that no program should ask a proxy for. */
export const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '::1']

/** Java reads no proxy variables and no PEM: system properties only. Quotes are honoured round white space. */
function javaOptions(
  proxyUrl: string,
  noProxy: readonly string[],
  store: { readonly file: string; readonly password: string },
): string[] {
  const { hostname, port } = new URL(proxyUrl)
  const host = hostname.replace(/^\[|\]$/g, '')
  const properties: [name: string, value: string][] = [
    ['http.proxyHost', host],
    ['http.proxyPort', port === '' ? '80' : port],
    ['https.proxyHost', host],
    ['https.proxyPort', port === '' ? '80' : port],
    ['http.nonProxyHosts', noProxy.map(javaHost).join('|')],
    ['javax.net.ssl.trustStore', store.file],
    ['javax.net.ssl.trustStoreType', 'PKCS12'],
    ['javax.net.ssl.trustStorePassword', store.password],
  ]
  return properties.map(([name, value]) => quoted(`-D${name}=${value}`))
}

/** `.example.com` means all under it here and `*.example.com` there; IPv6 addresses stand in brackets. */
function javaHost(host: string): string {
  if (host.startsWith('.')) return `*${host}`
  return host.includes(':') ? `[${host}]` : host
}

function quoted(option: string): string {
  if (!/[\s"'|]/.test(option)) return option
  return option.includes('"') ? `'${option}'` : `"${option}"`
}

function setBothCases(variables: Record<string, string>, name: string, value: string): void {
  variables[name] = value
  variables[name.toLowerCase()] = value
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'WS_PROXY', 'WSS_PROXY']

// Node and Bun; Deno.
const ADDING = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT']

const REPLACING = [
  // OpenSSL, and with it Python's ssl and httpx, Ruby, PHP; Go on Unix; rustls-native-certs; uv; .NET on Linux.
  'SSL_CERT_FILE',
  'NIX_SSL_CERT_FILE',
  // Python: requests, pip, httplib2.
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'HTTPLIB2_CA_CERTS',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'CARGO_HTTP_CAINFO',
  'AWS_CA_BUNDLE',
  'CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'PERL_LWP_SSL_CA_FILE',
  'HEX_CACERTS_PATH',
  'BUNDLE_SSL_CA_CERT',
]

// Node 22.21 and 24 read the proxy variables only when told to.
const SWITCHES = { NODE_USE_ENV_PROXY: '1' }
