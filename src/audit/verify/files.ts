import { bodyFilesIn, bodyFolders } from '../bodies/body-files.ts'

/** How many files of bodies no row names; those still being written are not counted. */
export function orphanFiles(dir: string, named: (spill: string) => boolean): number {
  let count = 0
  for (const folder of bodyFolders(dir))
    for (const name of bodyFilesIn(dir, folder)) if (!name.endsWith('.tmp') && !named(`${folder}/${name}`)) count += 1
  return count
}
