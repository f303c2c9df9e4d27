/**
 * What the public OCSF 1.9.0 schema says of the classes and objects that are used here: an event that has an attribute which is not in it,
 * lacks a required one, or has the wrong type or enum value has problems. `!` is required, `[]` an array; after the colon the type, or the
 * name of an object below.
 */
export function ocsfProblems(event: unknown): string[] {
  const classUid = isObject(event) ? event.class_uid : undefined
  const attributes = classes[String(classUid)]
  if (attributes === undefined) return [`class_uid ${String(classUid)}`]
  const event_ = event as Readonly<Record<string, unknown>>
  const problems = objectProblems(event_, `${base} ${attributes}`, '')
  const activity = event_.activity_id
  if (event_.type_uid !== Number(classUid) * 100 + Number(activity)) problems.push('type_uid does not fit')
  if (event_.category_uid !== Math.floor(Number(classUid) / 1_000)) problems.push('category_uid does not fit')
  for (const [id, name, captions] of siblings.filter(([id]) => id !== 'status_id' || classUid !== 2_004))
    problems.push(...siblingProblems(event_, id, name, captions))
  if (classUid === 2_004 && event_.status !== findingStatus[Number(event_.status_id)])
    problems.push('status does not fit')
  const expected = activities[String(classUid)]?.[String(activity)]
  if (activity === 99 ? !event_.activity_name : event_.activity_name !== expected)
    problems.push('activity_name does not fit')
  for (const [profile, needed] of Object.entries(profiles)) {
    const has = needed.some((name) => event_[name] !== undefined)
    const says = ((event_.metadata as { profiles?: string[] }).profiles ?? []).includes(profile)
    if (has && !says) problems.push(`uses the profile ${profile} without saying so`)
  }
  return problems
}

function siblingProblems(
  event: Readonly<Record<string, unknown>>,
  id: string,
  name: string,
  captions: Captions,
): string[] {
  if (event[id] === undefined) return []
  const caption = captions[Number(event[id])]
  if (caption === undefined) return [`${id} ${String(event[id])}`]
  return event[name] === caption ? [] : [`${name} is not ${caption}`]
}

function objectProblems(value: Readonly<Record<string, unknown>>, attributes: string, at: string): string[] {
  const known = new Map(attributes.split(/\s+/).map((attribute) => attribute.split(':') as [string, string]))
  const required = [...known].filter(([name]) => name.endsWith('!')).map(([name]) => name.slice(0, -1))
  const types = new Map([...known].map(([name, type]) => [name.replace('!', ''), type]))
  const problems = required.filter((name) => value[name] === undefined).map((name) => `${at}${name} is missing`)
  for (const [name, inner] of Object.entries(value)) {
    const type = types.get(name)
    if (type === undefined) problems.push(`${at}${name} is not in the schema`)
    else problems.push(...valueProblems(inner, type, `${at}${name}`))
  }
  return problems
}

function valueProblems(value: unknown, type: string, at: string): string[] {
  if (type.endsWith('[]')) {
    if (!Array.isArray(value)) return [`${at} is not an array`]
    return value.flatMap((item, i) => valueProblems(item, type.slice(0, -2), `${at}[${i}]`))
  }
  const check = scalars[type]
  if (check !== undefined) return check(value) ? [] : [`${at} is not of type ${type}`]
  const object = objects[type]
  if (object === undefined) return [`${at}: no type ${type}`]
  if (!isObject(value)) return [`${at} is not an object`]
  const one = atLeastOne[type]
  const none = one !== undefined && one.every((name) => value[name] === undefined)
  return [...objectProblems(value, object, `${at}.`), ...(none ? [`${at} has none of ${one.join(', ')}`] : [])]
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const scalars: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isSafeInteger(value),
  timestamp: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  port: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536,
  ip: (value) => typeof value === 'string' && /^[0-9a-f:.]+$/i.test(value),
  method: (value) => /^(?:CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|TRACE)$/.test(String(value)),
  json: isObject,
}

const base = `activity_id!:integer activity_name:string category_name:string category_uid!:integer class_name:string
  class_uid!:integer message:string metadata!:metadata observables:observable[] severity:string severity_id!:integer status:string
  status_code:string status_detail:string status_id:integer time!:timestamp type_name:string type_uid!:integer unmapped:json`
const securityControl = `action:string action_id:integer disposition:string disposition_id:integer firewall_rule:firewall_rule
  is_alert:boolean policy:policy`

const classes: Readonly<Record<string, string>> = {
  '2004': `${securityControl} confidence:string confidence_id:integer confidence_score:integer evidences:evidences[]
    finding_info!:finding_info`,
  '3004': 'actor:actor entity!:managed_entity updated_entity:managed_entity',
  '4001': `${securityControl} actor:actor connection_info:network_connection_info dst_endpoint:network_endpoint
    src_endpoint:network_endpoint tls:tls traffic:network_traffic`,
  '6003': `${securityControl} actor!:actor ai_model:ai_model api!:api dst_endpoint:network_endpoint http_request:http_request
    http_response:http_response message_context:message_context src_endpoint!:network_endpoint trace:trace`,
}

const objects: Readonly<Record<string, string>> = {
  actor: 'process:process session:session user:user',
  ai_model: 'ai_provider!:string name!:string uid:string version:string',
  analytic: 'name:string type:string type_id!:integer uid:string',
  api: 'operation!:string request:request response:response service:service version:string',
  evidences: `actor:actor api:api data:json dst_endpoint:network_endpoint http_request:http_request http_response:http_response
    src_endpoint:network_endpoint`,
  finding_info: `analytic:analytic created_time:timestamp data_sources:string[] related_analytics:analytic[]
    related_events:related_event[] related_events_count:integer title:string types:string[] uid!:string`,
  firewall_rule: 'name:string uid:string',
  http_request: 'body_length:integer http_method:method uid:string url:url version:string',
  http_response: 'body_length:integer code!:integer latency:integer',
  managed_entity: 'data:json name:string type:string uid:string',
  message_context:
    'completion_tokens:integer name:string prompt_tokens:integer service:service total_tokens:integer uid:string',
  metadata: `correlation_uid:string event_code:string log_name:string log_provider:string original_time:string product!:product
    profiles:string[] uid:string version!:string`,
  network_connection_info:
    'direction:string direction_id!:integer protocol_name:string protocol_num:integer uid:string',
  network_endpoint: 'hostname:string ip:ip name:string port:port',
  network_traffic: 'bytes:integer bytes_in:integer bytes_out:integer',
  observable: 'name:string type:string type_id!:integer value:string',
  policy: 'is_applied:boolean name:string uid:string',
  process: 'name:string uid:string',
  product: 'name:string vendor_name:string version:string',
  related_event: 'severity_id:integer type_uid:integer uid!:string',
  request: 'data:json uid!:string',
  response: 'code:integer data:json error:string',
  service: 'name:string uid:string',
  session: 'uid:string',
  tls: 'sni:string version!:string',
  trace: 'uid!:string',
  url: 'hostname:string path:string port:port query_string:string',
  user: 'name:string uid:string',
}

const atLeastOne: Readonly<Record<string, readonly string[]>> = {
  actor: ['process', 'user', 'session'],
  evidences: ['actor', 'api', 'data', 'dst_endpoint', 'src_endpoint'],
  managed_entity: ['name', 'uid'],
  message_context: ['application', 'service'],
  network_endpoint: ['ip', 'name', 'hostname'],
  policy: ['name', 'uid'],
  process: ['uid'],
  service: ['name', 'uid'],
  url: ['path'],
  user: ['name', 'uid'],
}

type Captions = Readonly<Record<number, string>>

const siblings: readonly (readonly [id: string, name: string, captions: Captions])[] = [
  ['severity_id', 'severity', { 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical', 6: 'Fatal' }],
  ['status_id', 'status', { 0: 'Unknown', 1: 'Success', 2: 'Failure' }],
  ['action_id', 'action', { 0: 'Unknown', 1: 'Allowed', 2: 'Denied', 3: 'Observed', 4: 'Modified' }],
  ['confidence_id', 'confidence', { 0: 'Unknown', 1: 'Low', 2: 'Medium', 3: 'High' }],
  [
    'disposition_id',
    'disposition',
    {
      0: 'Unknown',
      1: 'Allowed',
      2: 'Blocked',
      8: 'Approved',
      11: 'Corrected',
      15: 'Detected',
      17: 'Logged',
      19: 'Alert',
      25: 'Rejected',
      27: 'Error',
    },
  ],
]

const findingStatus: Captions = {
  1: 'New',
  2: 'In Progress',
  3: 'Suppressed',
  4: 'Resolved',
  5: 'Archived',
  6: 'Deleted',
}

const activities: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '2004': { 0: 'Unknown', 1: 'Create', 2: 'Update', 3: 'Close' },
  '3004': {
    0: 'Unknown',
    1: 'Create',
    2: 'Read',
    3: 'Update',
    4: 'Delete',
    5: 'Move',
    6: 'Enroll',
    7: 'Unenroll',
    8: 'Enable',
    9: 'Disable',
    10: 'Activate',
    11: 'Deactivate',
    12: 'Suspend',
    13: 'Resume',
  },
  '4001': { 0: 'Unknown', 1: 'Open', 2: 'Close', 3: 'Reset', 4: 'Fail', 5: 'Refuse', 6: 'Traffic', 7: 'Listen' },
  '6003': { 0: 'Unknown', 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete' },
}

const profiles: Readonly<Record<string, readonly string[]>> = {
  security_control: ['action_id', 'disposition_id', 'firewall_rule', 'policy'],
  ai_operation: ['ai_model', 'message_context'],
  trace: ['trace'],
}
