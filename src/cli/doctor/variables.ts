import type { Config } from '../../config/schema.ts'
import type { Finding, SetUp } from './check.ts'

/** Whether the proxy variables of this shell lead applications to us, and none of the providers past us. */
export async function applicationVariables({ config, io }: SetUp): Promise<Finding> {
  const url = io.env.https_proxy ?? io.env.HTTPS_PROXY ?? ''
  if (url === '') {
    const message =
      'HTTPS_PROXY is not set in this shell: its applications go through Sallyport only where they are redirected'
    return { status: 'ok', message, hint: '`sallyport exec -- CMD` sets everything for one command' }
  }
  if (!leadsToUs(url, config)) {
    const message = 'HTTPS_PROXY names another proxy than proxy.listen'
    return { status: 'warn', message, hint: '`sallyport exec -- CMD` sets it right for one command' }
  }
  const past = providerHosts.filter((host) => isExcepted(host, io.env.no_proxy ?? io.env.NO_PROXY ?? ''))
  if (past.length > 0) {
    const message = `NO_PROXY leads past Sallyport: ${past.join(', ')}`
    return { status: 'warn', message, hint: 'take the entry that covers them out of NO_PROXY' }
  }
  return { status: 'ok', message: 'HTTPS_PROXY leads to Sallyport' }
}

function leadsToUs(text: string, { proxy }: Config): boolean {
  const url = text.includes('://') ? text : `http://${text}`
  if (!URL.canParse(url)) return false
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const wanted = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  return proxy.listen.some((address) => {
    // A port that the system chooses cannot be known here.
    if (address.port !== 0 && address.port !== wanted) return false
    return address.host === host || isEvery(address.host) || (isLoopback(address.host) && isLoopback(host))
  })
}

/** As curl and most others read it: names with their subdomains, `*` for all, ports and leading dots allowed. */
function isExcepted(host: string, noProxy: string): boolean {
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .map((entry) => entry.replace(/:\d+$/, ''))
    .some((entry) => {
      if (entry === '*') return true
      const name = entry.replace(/^\*?\./, '')
      return name !== '' && (host === name || host.endsWith(`.${name}`))
    })
}

const isEvery = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::'
const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

// The best known will do: an entry that covers one of them is seldom meant.
const providerHosts = [
  'api.openai.com',
  'api.anthropic.com',
  'generativelanguage.googleapis.com',
  'api.mistral.ai',
  'openrouter.ai',
]
