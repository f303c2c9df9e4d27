import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Machine } from './store.ts'

/** The machine this runs on, as these variables show it. */
export function thisMachine(env: Machine['env']): Machine {
  return {
    platform: process.platform,
    home: env['HOME'] ?? env['USERPROFILE'] ?? homedir(),
    superuser: process.getuid?.() === 0,
    env,
    program: (name) => findProgram(name, env),
    exists: existsSync,
    list: (folder) => {
      try {
        return readdirSync(folder)
      } catch {
        return []
      }
    },
  }
}

function findProgram(name: string, env: Machine['env']): string | undefined {
  const folders = isAbsolute(name) ? [''] : (env['PATH'] ?? env['Path'] ?? '').split(delimiter)
  // Tools of the superuser are not on every user's path, but sudo finds them there.
  const everywhere = process.platform === 'win32' || isAbsolute(name) ? folders : [...folders, '/usr/sbin', '/sbin']
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', ''] : ['']
  for (const folder of everywhere) {
    for (const ending of endings) {
      const path = join(folder, name + ending)
      if (isProgram(path)) return realpathSync(path)
    }
  }
  return undefined
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
