import { isIP } from 'node:net'

/**
 * What the ECS 9.4 reference says of the fields that are used here. A document with a field that is neither in it nor under `sallyport` or
 * `labels`, or with a value that a mapping of that type refuses, has problems; so has one whose categories are not allowed.
 */
export function ecsProblems(document: unknown): string[] {
  const problems: string[] = []
  const seen = new Map<string, unknown>()
  for (const [path, value] of leaves(document, '')) {
    seen.set(path, value)
    if (path.startsWith('sallyport.') || path.startsWith('labels.')) {
      if (path.startsWith('labels.') && typeof value === 'object') problems.push(`${path} is not a single value`)
      continue
    }
    const type = fields.get(path)
    if (type === undefined) problems.push(`${path} is not a field of ECS`)
    else if (!fits(value, type)) problems.push(`${path} is not of type ${type}`)
  }
  for (const field of ['@timestamp', 'ecs.version', 'event.kind', 'event.category', 'event.type', 'event.outcome'])
    if (!seen.has(field)) problems.push(`${field} is missing`)
  for (const [field, allowed] of Object.entries(allowedValues))
    for (const value of [seen.get(field)].flat())
      if (!allowed.includes(String(value))) problems.push(`${field} has ${String(value)}`)
  const categories = [seen.get('event.category')].flat().map(String)
  for (const type of [seen.get('event.type')].flat())
    if (!categories.some((category) => expectedTypes[category]?.includes(String(type))))
      problems.push(`${String(type)} of ${categories.join()}`)
  return problems
}

function* leaves(value: unknown, at: string): Iterable<[string, unknown]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return yield [at, value]
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes('.')) yield [`${at}${key}`, inner]
    yield* typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? leaves(inner, `${at}${key}.`)
      : [[`${at}${key}`, inner] as [string, unknown]]
  }
}

function fits(value: unknown, type: string): boolean {
  if (Array.isArray(value)) return arrays.has(type) && value.every((item) => fits(item, type.slice(0, -2)))
  switch (type) {
    case 'keyword':
      return typeof value === 'string'
    case 'long':
      return Number.isInteger(value) && Math.abs(value as number) < 2 ** 63
    case 'integer':
      return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31
    case 'ip':
      return typeof value === 'string' && isIP(value) !== 0
    case 'date':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value))
    default:
      return false
  }
}

const arrays = new Set(['keyword[]', 'ip[]'])

const words = (text: string): string[] => text.trim().split(/\s+/)

const fields = new Map<string, string>([
  ...words('@timestamp event.start event.end').map((field) => [field, 'date'] as const),
  ...words('source.ip client.ip destination.ip server.ip').map((field) => [field, 'ip'] as const),
  ...words('related.ip').map((field) => [field, 'ip[]'] as const),
  ...words('tags related.hosts related.user related.hash event.category event.type').map(
    (field) => [field, 'keyword[]'] as const,
  ),
  ...words(`destination.port server.port url.port source.bytes destination.bytes network.bytes http.request.body.bytes
    http.response.body.bytes http.response.status_code event.severity event.duration event.sequence`).map(
    (field) => [field, 'long'] as const,
  ),
  ...words('gen_ai.usage.input_tokens gen_ai.usage.output_tokens').map((field) => [field, 'integer'] as const),
  ...words(`message ecs.version log.level observer.vendor observer.product observer.type observer.version observer.hostname
    event.kind event.module event.dataset event.provider event.id event.code event.action event.outcome event.reason
    source.address client.address destination.address server.address destination.domain server.domain user.name process.name
    rule.name trace.id error.message url.domain url.original url.path url.query http.version http.request.id http.request.method
    http.request.body.content http.response.body.content network.protocol network.transport network.direction
    tls.client.server_name tls.next_protocol gen_ai.system gen_ai.operation.name gen_ai.request.model gen_ai.response.id`).map(
    (field) => [field, 'keyword'] as const,
  ),
])

const allowedValues: Readonly<Record<string, readonly string[]>> = {
  'event.kind': words('alert asset enrichment event metric state pipeline_error signal'),
  'event.outcome': words('failure success unknown'),
  'event.category':
    words(`api authentication configuration database driver email file host iam intrusion_detection library malware
    network package process registry session threat vulnerability web`),
}

const expectedTypes: Readonly<Record<string, readonly string[]>> = {
  api: words('access admin allowed change creation deletion denied end info start user'),
  authentication: words('start end info'),
  configuration: words('access change creation deletion info'),
  iam: words('admin change creation deletion group info user'),
  intrusion_detection: words('allowed denied info'),
  network: words('access allowed connection denied end info protocol start'),
  process: words('access change end info start'),
}
