// Loaded before the program: keeps compiled code between runs, and ends the program with the wrapper that started it.
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Without it the type stripper is loaded in every process: some 17 MB and 45 ms each.
enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/sallyport', import.meta.url)))

if (process.env.SALLYPORT_WRAPPED === '1' && process.channel) {
  delete process.env.SALLYPORT_WRAPPED
  // The wrapper passes signals on; only its own death by SIGKILL has to be noticed.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel.unref()
}

// npm ends its shell on SIGTERM and leaves what the shell started: who has lost that parent ends as if told to.
if (process.env.npm_lifecycle_event !== undefined && process.platform !== 'win32') {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }, 500).unref()
}
