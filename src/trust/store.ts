/** What stores need to know of the machine: read once, so that their plans are plain functions. */
export type Machine = {
  readonly platform: NodeJS.Platform
  readonly home: string
  /** Whether commands run as the superuser already. */
  readonly superuser: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** The path of a program, symbolic links followed; undefined when there is none. */
  readonly program: (name: string) => string | undefined
  readonly exists: (path: string) => boolean
  /** Names in a folder; none when it cannot be read. */
  readonly list: (folder: string) => readonly string[]
}

/** The certificate to be trusted. */
export type Root = {
  readonly pemFile: string
  /** For people; with the first digits of the fingerprint, so that no two roots share it. */
  readonly name: string
  /** Letters, digits and hyphens only; unique like the name. */
  readonly id: string
  /** 40 upper-case hex digits: what keychains and Windows call a certificate. */
  readonly sha1: string
}

/** A command; `asRoot` when it writes what belongs to the superuser. */
export type Step = { readonly argv: readonly string[]; readonly asRoot: boolean }

/** One file, keychain or database that holds roots. Plans say what to run; nothing here runs it. */
export type Place = {
  /** Succeeds exactly when the root is there. Never needs rights. */
  readonly check: readonly string[]
  readonly install: readonly Step[]
  readonly uninstall: readonly Step[]
}

/** A kind of place where programs look for roots. */
export type TrustStore = {
  readonly name: string
  /** Who reads it. */
  readonly readers: string
  /** Whether the machine has it and the tool for it; a string says what is missing. */
  readonly available: (machine: Machine) => boolean | string
  readonly places: (machine: Machine, root: Root) => readonly Place[]
}

export const asUser = (...argv: string[]): Step => ({ argv, asRoot: false })
export const asRoot = (...argv: string[]): Step => ({ argv, asRoot: true })
