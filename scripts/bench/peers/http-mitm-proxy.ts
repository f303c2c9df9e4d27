import { copyFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { Proxy } from 'http-mitm-proxy'

const [caFile = 'ca.pem', folder = '.'] = process.argv.slice(2)
const proxy = new Proxy()
proxy.onError(() => {})
const options = {
  host: '127.0.0.1',
  port: 0,
  sslCaDir: folder,
  keepAlive: true,
  httpsAgent: new Agent({ keepAlive: true }),
}
proxy.listen(options, () => {
  copyFileSync(join(folder, 'certs', 'ca.pem'), caFile)
  process.send?.({ port: proxy.httpPort })
})
process.on('disconnect', () => process.exit(0))
