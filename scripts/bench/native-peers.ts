import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { testAuthority } from '../../test/support/authority.ts'
import { freePorts } from '../../test/support/free-ports.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { contestant, startPinned, untilListening, type Contestant, type Setting } from './children.ts'

/** Debian's squid-openssl, bumping all; a text when it is not there or has no OpenSSL. */
export async function startSquid({ authority, originPort, hosts }: Setting): Promise<Contestant | string> {
  const squid = programAt('squid', '/usr/sbin/squid')
  const certgen = ['/usr/lib/squid/security_file_certgen', '/usr/lib64/squid/security_file_certgen'].find(existsSync)
  if (squid === undefined) return 'not installed'
  if (certgen === undefined) return 'without security_file_certgen (squid-openssl has it)'
  const folder = tempFolder('squid')
  const ca = testAuthority('Squid bench')
  const [port = 0] = await freePorts(1)
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o644 })
  write('ca.pem', ca.cert + ca.key)
  write('origins.pem', authority.cert)
  write('hosts', hosts.map((host) => `127.0.0.1 ${host}`).join('\n'))
  write('squid.conf', squidConf(folder, port, certgen))
  execFileSync(certgen, ['-c', '-s', join(folder, 'ssl_db'), '-M', '16MB'], { stdio: 'ignore' })
  giveToProxyUser(folder)
  const child = startPinned(0, squid, ['-N', '-f', join(folder, 'squid.conf')])
  await untilListening(() => listening(port), child, 'squid')
  return contestant('squid', child, { proxyPort: port, targetPort: originPort, ca: ca.cert })
}

/** mitmdump without scripts but one that finds the names on loopback; a text when it is not there. */
export async function startMitmproxy({ authority, originPort }: Setting): Promise<Contestant | string> {
  const mitmdump = programAt('mitmdump')
  if (mitmdump === undefined) return 'not installed'
  const folder = tempFolder('mitmproxy')
  const [port = 0] = await freePorts(1)
  writeFileSync(join(folder, 'origins.pem'), authority.cert)
  writeFileSync(
    join(folder, 'loopback.py'),
    'def server_connect(data):\n    data.server.address = ("127.0.0.1", data.server.address[1])\n',
  )
  const settings = [
    `confdir=${folder}`,
    `ssl_verify_upstream_trusted_ca=${join(folder, 'origins.pem')}`,
    'connection_strategy=lazy',
  ]
  const args = ['-q', '--listen-host', '127.0.0.1', '--listen-port', String(port), '-s', join(folder, 'loopback.py')]
  const child = startPinned(0, mitmdump, [...args, ...settings.flatMap((setting) => ['--set', setting])])
  await untilListening(() => listening(port), child, 'mitmdump')
  return contestant('mitmproxy', child, {
    proxyPort: port,
    targetPort: originPort,
    ca: readFileSync(join(folder, 'mitmproxy-ca-cert.pem'), 'utf8'),
  })
}

function squidConf(folder: string, port: number, certgen: string): string {
  return [
    `http_port 127.0.0.1:${port} ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=16MB tls-cert=${folder}/ca.pem`,
    `sslcrtd_program ${certgen} -s ${folder}/ssl_db -M 16MB`,
    'sslcrtd_children 2 startup=1',
    'ssl_bump bump all',
    `tls_outgoing_options cafile=${folder}/origins.pem`,
    'http_access allow localhost',
    'http_access deny all',
    `hosts_file ${folder}/hosts`,
    'cache deny all',
    'cache_mem 8 MB',
    'access_log none',
    `cache_log ${folder}/cache.log`,
    `pid_filename ${folder}/squid.pid`,
    `coredump_dir ${folder}`,
    'forwarded_for transparent',
    'via off',
    'pinger_enable off',
    'shutdown_lifetime 1 seconds',
    'visible_hostname bench',
    '',
  ].join('\n')
}

// Started by root, Squid becomes `proxy` and must still write there.
function giveToProxyUser(folder: string): void {
  if (process.getuid?.() !== 0) return
  const [, , uid, gid] = (
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith('proxy:')) ?? ''
  ).split(':')
  if (uid === undefined) return
  chmodSync(folder, 0o755)
  execFileSync('chown', ['-R', `${uid}:${gid}`, folder])
  chownSync(folder, Number(uid), Number(gid))
}

function programAt(name: string, ...paths: string[]): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, name))
  return [...onPath, ...paths].find(existsSync)
}

function listening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => (socket.destroy(), resolve(true))).on('error', () => resolve(false))
  })
}
