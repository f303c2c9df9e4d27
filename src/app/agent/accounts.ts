import { execFile } from 'node:child_process'
import { SallyportError } from '../../core/errors.ts'

export type Account = { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string }

/** Asks the system's databases of users and groups (also those in a directory): `passwd` or `group`, by name or number; one line, or undefined. */
export type Ask = (database: 'passwd' | 'group', key: string) => Promise<string | undefined>

/** The user of this name or number. Rejects with config_invalid when there is none. */
export async function accountOf(name: string, ask: Ask = getent): Promise<Account> {
  const account = parseAccount((await ask('passwd', name)) ?? '')
  if (account !== undefined) return account
  throw new SallyportError('config_invalid', `there is no user ${name}`, { hint: 'Name a user of this machine.' })
}

/** A line of passwd(5); undefined when it is none. */
export function parseAccount(line: string): Account | undefined {
  const [name = '', , uid = '', gid = '', , home = ''] = line.trimEnd().split(':')
  if (name === '' || !isId(uid) || !isId(gid)) return undefined
  return { name, uid: Number(uid), gid: Number(gid), home }
}

/**
 * The group whose traffic is not redirected: `sallyport` where there is one, else a number that no group has. Whoever is in
 * it goes around the inspection, so it must be nobody's but the program's.
 */
export async function ownGroup(captured: readonly Account[], ask: Ask = getent): Promise<number> {
  const line = (await ask('group', 'sallyport')) ?? ''
  const group = groupNumber(line) ?? (await freeGroup(ask))
  const members = line.trimEnd().split(':')[3]?.split(',') ?? []
  const member = captured.find(({ name, gid }) => gid === group || members.includes(name))
  if (member === undefined) return group
  throw new SallyportError(
    'config_invalid',
    `${member.name} is in the group ${group}, whose traffic is not redirected`,
    {
      hint: 'Give the group sallyport to no user whose traffic is to be redirected.',
    },
  )
}

/** The number in a line of group(5); undefined when it is none. */
export function groupNumber(line: string): number | undefined {
  const [name = '', , gid = ''] = line.trimEnd().split(':')
  return name !== '' && isId(gid) ? Number(gid) : undefined
}

async function freeGroup(ask: Ask): Promise<number> {
  for (let gid = FIRST_FREE; gid <= LAST_FREE; gid++) {
    if ((await ask('group', String(gid))) === undefined) return gid
  }
  throw new SallyportError('config_invalid', `all groups from ${FIRST_FREE} to ${LAST_FREE} are taken`, {
    hint: 'Make a group named sallyport.',
  })
}

const isId = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) <= 4_294_967_294

const getent: Ask = (database, key) =>
  new Promise((resolve, reject) => {
    execFile('getent', [database, key], { timeout: 10_000 }, (error, stdout) => {
      if (error === null) return resolve(stdout)
      // 2: the key is not there (getent(1)).
      if (error.code === 2) return resolve(undefined)
      const message = `cannot look up ${database} ${key}: getent: ${String(error.code ?? error.signal)}`
      reject(new SallyportError('redirect_failed', message, { cause: error, hint: 'Is getent in PATH?' }))
    })
  })

// Of no use to any other: systemd's and Debian's ranges end below and begin above (systemd, "Users, Groups, UIDs and GIDs").
const [FIRST_FREE, LAST_FREE] = [60_706, 60_799]
