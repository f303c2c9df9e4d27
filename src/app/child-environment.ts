import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'
import type { Authority } from '../tls/authority.ts'
import { caPaths } from '../tls/ca.ts'
import { environmentFor, unsetVariables } from '../trust/environment.ts'
import { STORE_PASSWORD, pkcs12TrustStore, trustedFromPem } from '../trust/java-store.ts'

/** The environment of a command that goes through the proxy: the given one, and what the ecosystems look at. */
export async function childEnvironment(
  config: Config,
  authority: Authority,
  proxy: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<NodeJS.ProcessEnv> {
  const { certificatePath, bundlePath } = caPaths(config.ca.dir)
  const javaStore = await javaTrustStore(config, authority, bundlePath)
  const child: NodeJS.ProcessEnv = { ...env }
  for (const name of unsetVariables) delete child[name]
  // A program that is watched does not get the keys of what is kept of it.
  for (const { env: name } of config.audit.encryption?.keys ?? []) if (name !== undefined) delete child[name]
  return Object.assign(
    child,
    environmentFor({
      proxyUrl: `http://${proxy}`,
      caFile: certificatePath,
      bundleFile: bundlePath,
      javaStore: { file: javaStore, password: STORE_PASSWORD },
      inherited: env,
    }),
    { SALLYPORT_EXEC: '1' },
  )
}

/** Java takes a store, not a PEM file; it is made from the bundle when that has changed. */
async function javaTrustStore(config: Config, authority: Authority, bundlePath: string): Promise<string> {
  const path = join(config.ca.dir, 'truststore.p12')
  const marker = join(config.ca.dir, 'truststore.of')
  const made = await readFile(marker, 'utf8').catch(() => '')
  if (made === authority.fingerprint && (await readFile(path).catch(() => undefined)) !== undefined) return path
  await writeFileAtomic(path, pkcs12TrustStore(trustedFromPem(await readFile(bundlePath, 'utf8'), 'root')), 0o644)
  await writeFileAtomic(marker, authority.fingerprint, 0o644)
  return path
}
