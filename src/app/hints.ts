import { relative } from 'node:path'
import type { Config } from '../config/schema.ts'
import { caPaths } from '../tls/ca.ts'
import { reachable } from './running.ts'

/** What a person does next, in a few lines. */
export function firstSteps(about: {
  readonly config: Config
  readonly proxy: string
  readonly console: string
  readonly created: boolean
}): string[] {
  const { certificatePath, bundlePath } = caPaths(about.config.ca.dir)
  const asks = about.config.proxy.auth === 'basic'
  const url = `http://${asks ? 'NAME:KEY@' : ''}${reachable(about.proxy)}`
  return [
    `Sallyport listens on ${about.proxy}. ${about.created ? 'A new CA was made:' : 'Its CA:'} ${shown(certificatePath)}`,
    '',
    'Run one program through it:',
    '  npx sallyport exec --report -- curl https://api.openai.com/v1/models',
    asks ? 'or a whole shell, with a key (npx sallyport key create --name NAME):' : 'or a whole shell:',
    `  export HTTPS_PROXY=${url} HTTP_PROXY=${url} NODE_USE_ENV_PROXY=1`,
    `  export NODE_EXTRA_CA_CERTS=${certificatePath} SSL_CERT_FILE=${bundlePath} REQUESTS_CA_BUNDLE=${bundlePath} CURL_CA_BUNDLE=${bundlePath}`,
    '',
    `What it saw: npx sallyport audit tail · policies: ${shown(about.config.policies.dir)} · health and metrics: http://${reachable(about.console)}/readyz`,
  ]
}

function shown(path: string): string {
  const short = relative(process.cwd(), path)
  if (process.cwd() === '/') return path
  return short.startsWith('..') ? path : short
}
