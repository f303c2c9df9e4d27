import { curl, go, java, python, rust, type Toolchain } from './toolchains.ts'

/** A real client: what its toolchain makes ready, and how the client is then called with the prompt as its last argument. */
export type Client = {
  readonly name: string
  readonly toolchain: Toolchain
  /** Exchanges that one run makes. */
  readonly exchanges: number
  readonly command: (prepared: string) => readonly string[]
}

/** In the order in which they run; a toolchain is made ready when its first client comes. */
export const clients: readonly Client[] = [
  { name: 'curl', toolchain: curl, exchanges: 1, command: (script) => [script] },
  ...['openai', 'anthropic', 'httpx', 'requests', 'urllib'].map((library) => ({
    name: `python-${library}`,
    toolchain: python,
    exchanges: ['openai', 'anthropic'].includes(library) ? 2 : 1,
    command: (interpreter: string) => [interpreter, `test/clients/python/chat_${library}.py`],
  })),
  { name: 'go', toolchain: go, exchanges: 1, command: (binary) => [binary] },
  { name: 'java', toolchain: java, exchanges: 1, command: (program) => [program, 'test/clients/java/Client.java'] },
  { name: 'rust', toolchain: rust, exchanges: 1, command: (binary) => [binary] },
]
