import { writeFileSync } from 'node:fs'
import { generateCACertificate, getLocal } from 'mockttp'

const [caFile = 'ca.pem', , originCa = 'origins.pem'] = process.argv.slice(2)
const https = await generateCACertificate()
writeFileSync(caFile, https.cert)
const server = getLocal({ https, recordTraffic: false, http2: false })
await server.start()
await server.forAnyRequest().thenPassThrough({ additionalTrustedCAs: [{ certPath: originCa }] })
process.send?.({ port: server.port })
process.on('disconnect', () => process.exit(0))
