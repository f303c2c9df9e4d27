import { gateway } from './gateway/trial.ts'
import { agent } from './agent/trial.ts'
import { pythonVerifier } from './proof.ts'
import { rsyslog, rsyslogFor, rsyslogRestarts } from './rsyslog.ts'
import { curl, go, installed, java, namespaces, python, rust, type Toolchain } from './toolchains.ts'
import { h2load, slowhttptest, testssl, type Trial } from './wire-tools.ts'

/** A real client: what its toolchain makes ready, and how the client is then called with the prompt as its last argument. */
export type Client = {
  readonly name: string
  readonly toolchain: Toolchain
  /** Exchanges that one run makes. */
  readonly exchanges: number
  readonly command: (prepared: string) => readonly string[]
}

/** A tool that tries the wire itself. */
export type Tool = { readonly name: string; readonly toolchain: Toolchain; readonly trial: Trial }

const h2loads = installed('h2load')
const slow = installed('slowhttptest')
const ssl = installed('testssl')
const rsyslogd = installed('rsyslogd')
const python3 = installed('python3')

export const tools: readonly Tool[] = [
  { name: 'h2load-http2', toolchain: h2loads, trial: h2load('-m', '10') },
  { name: 'h2load-http1', toolchain: h2loads, trial: h2load('--h1') },
  { name: 'slowhttptest-headers', toolchain: slow, trial: slowhttptest('page', '-H') },
  { name: 'slowhttptest-body', toolchain: slow, trial: slowhttptest('host', '-B') },
  { name: 'slowhttptest-range', toolchain: slow, trial: slowhttptest('page', '-R') },
  { name: 'slowhttptest-read', toolchain: slow, trial: slowhttptest('page', '-X', '-w', '10', '-y', '20', '-z', '5') },
  { name: 'testssl', toolchain: ssl, trial: testssl },
  { name: 'gateway', toolchain: namespaces, trial: gateway },
  { name: 'agent', toolchain: namespaces, trial: agent },
  { name: 'python-verifier', toolchain: python3, trial: pythonVerifier },
  ...(['udp', 'tcp', 'tls-ossl', 'tls-gtls'] as const).map((transport) => ({
    name: `rsyslog-${transport}`,
    toolchain: rsyslogFor(transport, rsyslogd),
    trial: rsyslog(transport),
  })),
  ...(['tcp', 'tls-ossl'] as const).map((transport) => ({
    name: `rsyslog-restarts-${transport}`,
    toolchain: rsyslogFor(transport, rsyslogd),
    trial: rsyslogRestarts(transport),
  })),
]

/** In the order in which they run; a toolchain is made ready when its first client comes. */
export const clients: readonly Client[] = [
  { name: 'curl', toolchain: curl, exchanges: 1, command: (script) => [script] },
  ...['openai', 'anthropic', 'httpx', 'http2', 'requests', 'urllib'].map((library) => ({
    name: `python-${library}`,
    toolchain: python,
    exchanges: ['openai', 'anthropic'].includes(library) ? 2 : 1,
    command: (interpreter: string) => [interpreter, `test/clients/python/chat_${library}.py`],
  })),
  { name: 'go', toolchain: go, exchanges: 1, command: (binary) => [binary] },
  { name: 'java', toolchain: java, exchanges: 1, command: (program) => [program, 'test/clients/java/Client.java'] },
  { name: 'rust', toolchain: rust, exchanges: 1, command: (binary) => [binary] },
]
