import type { Site } from './assignment.ts'

/** Names of persons, machines and banks: what has the form of one and is none. */
export const names = { person, 'host-name': hostName, bic } as const satisfies Record<
  string,
  (value: string, site: Site) => boolean
>

/** Words in capitals that stand where a name stands. */
function person(value: string): boolean {
  return !value.split(/[ -]/).some((word) => noNames.has(word.toLowerCase())) && !/^[A-Z\d]{2,}$/.test(value)
}

/** A name of `foo.local` form is a member of something in code unless it looks like a host, or is used as one. */
function hostName(value: string, { text, start, end }: Site): boolean {
  const name = value.toLowerCase()
  if (everywhere.test(name)) return false
  const before = text.slice(Math.max(0, start - 24), start)
  if (before.endsWith('://') || name.endsWith('.svc.cluster.local')) return true
  const after = text.slice(end, end + 6)
  if (/^:\d{2,5}\b/.test(after) || hostWords.test(before)) return true
  if (/^(?:com|org|net|io|dev|java|kotlin|android)\./.test(name) || /["'`]?\s{0,2}[=[(]/.test(after)) return false
  if (/\.(?:corp|intranet|home\.arpa)$/.test(name)) return name.split('.').length > 1 && !/[A-Z]/.test(value)
  return !/[A-Z_]/.test(value) && /[\d-]/.test(name.slice(0, name.lastIndexOf('.'))) && name.split('.').length > 1
}

/** ISO 9362: the fifth and sixth letters are a country. */
function bic(value: string): boolean {
  return countries.includes(value.slice(4, 6)) && /\d|XXX$/.test(value.slice(6)) !== /^[A-Z]{8}$/.test(value)
}

const everywhere =
  /^(?:host|gateway|kubernetes)\.docker\.internal$|^metadata\.google\.internal$|^localhost\.localdomain$|^kubernetes\.default\.svc\.cluster\.local$|^(?:my|your|example|test|foo|bar)\.\w+$|\.example\.\w+$/
const hostWords =
  /(?:hosts?|hostname|server|node|ssh|ping|curl|dns|fqdn|domain|endpoint|@)["']?\s{0,2}[:=]?\s{0,2}["']?$/i
const noNames = new Set(
  `a all and any api app build by customer client class code colleague colleagues company data date default everyone error file first folks for friend
  friends from guest hiring hello id in input is it key last line list madam manager member model name new no none not null number object of on or order other page
  partner patient program project reader recipient required sales sir string subscriber support system table team the this to type unknown user users value valued
  version we with you your undefined true false field function house service services department office group inc ltd gmbh llc corp committee recruiter sirs
  maintainers contributors community developers developer here there`
    .split(/\s+/)
    .filter((word) => word !== ''),
)
const countries =
  'AD AE AL AR AT AU AZ BA BE BG BH BR BY CA CH CL CN CO CR CY CZ DE DK DO DZ EC EE EG ES FI FO FR GB GE GI GL GR GT HK HR HU ID IE IL IN IS IT JO JP KE KR KW KZ LB LI LK LT LU LV MA MC MD ME MK MT MU MX MY NG NL NO NZ OM PE PH PK PL PT PY QA RO RS RU SA SE SG SI SK SM TH TN TR TW UA US UY VE VG VN XK ZA'
