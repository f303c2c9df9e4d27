import { globMatcher } from '../../lib/glob.ts'

/** Where a host processes what it is sent; undefined where nobody knows. */
export type RegionOf = (host: string, model: string | null) => string | undefined

/**
 * The region of a host: as the operator's table says, else as the name of the host says by itself. Most providers do not tell: the
 * same name serves every region, and only a contract says where. `regions` maps host globs to regions; the first that matches decides.
 */
export function regionsBy(regions: Readonly<Record<string, string>>): RegionOf {
  const own = Object.entries(regions).map(([glob, region]) => {
    return { matches: globMatcher([glob.toLowerCase()]), region: region.toUpperCase() }
  })
  return (host, model) => {
    const name = host.toLowerCase().replace(/\.$/, '')
    const region = own.find(({ matches }) => matches(name))?.region
    if (region !== undefined) return region
    const profile = isBedrock.test(name) ? profileIn.exec(model ?? '')?.[1] : undefined
    return profile === undefined ? builtIn(name) : profileAreas[profile]
  }
}

function builtIn(host: string): string | undefined {
  for (const { pattern, regionIn } of known) {
    const match = pattern.exec(host)
    if (match !== null) return regionIn(match[1] ?? '')
  }
  return undefined
}

/** AWS: `eu-central-1`, `us-gov-west-1`. The parts before the number name the continent, and for some the country. */
function awsRegion(name: string): string | undefined {
  return awsExceptions[name] ?? awsAreas[name.split('-', 1)[0] ?? '']
}

/** Google Cloud: `europe-west4`, `northamerica-northeast1`; multi-regions are `us` and `eu`. */
function googleRegion(name: string): string | undefined {
  return googleExceptions[name] ?? googleAreas[name.replace(/-.*$/, '')]
}

/** Azure: `westeurope`, `germanywestcentral`, `eastus2`. */
function azureRegion(name: string): string | undefined {
  return azureAreas.find(({ pattern }) => pattern.test(name))?.region
}

function openaiRegion(name: string): string {
  return name === 'gb' ? 'UK' : name.toUpperCase()
}

const always = (region: string) => (): string => region

// AWS, Google and Azure document these endpoint names; OpenAI, ElevenLabs and others theirs for data residency.
const known: readonly { readonly pattern: RegExp; readonly regionIn: (name: string) => string | undefined }[] = [
  {
    pattern:
      /^(?:[a-z0-9-]+\.)*(?:bedrock|bedrock-runtime|bedrock-agent-runtime|bedrock-mantle|runtime\.sagemaker)(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/,
    regionIn: awsRegion,
  },
  {
    pattern: /^(?:[a-z0-9-]+\.)*([a-z]+(?:-[a-z]+\d{1,2})?)-aiplatform\.googleapis\.com$/,
    regionIn: googleRegion,
  },
  { pattern: /^aiplatform\.([a-z]+(?:-[a-z]+\d{1,2})?)\.rep\.googleapis\.com$/, regionIn: googleRegion },
  {
    pattern:
      /^([a-z]+\d?)\.(?:api\.cognitive\.microsoft\.com|(?:tts|stt)\.speech\.microsoft\.com|inference\.ml\.azure\.com)$/,
    regionIn: azureRegion,
  },
  { pattern: /^[a-z0-9-]+\.([a-z]+\d?)\.(?:inference\.ml\.azure\.com|models\.ai\.azure\.com)$/, regionIn: azureRegion },
  { pattern: /^eu\.(?:api\.openai\.com|openrouter\.ai)$/, regionIn: always('EU') },
  { pattern: /^(us|gb|jp|in|kr|sg|au|ca|ae)\.api\.openai\.com$/, regionIn: openaiRegion },
  { pattern: /^api\.eu\.residency\.elevenlabs\.io$/, regionIn: always('EU') },
  { pattern: /^api\.(?:eu\.)?deepl\.com$/, regionIn: always('EU') },
  { pattern: /^eu-gb\.ml\.cloud\.ibm\.com$/, regionIn: always('UK') },
  { pattern: /^([a-z]{2})-[a-z]+(?:-\d)?\.ml\.cloud\.ibm\.com$/, regionIn: (area) => ibmAreas[area] },
  { pattern: /^(?:api|codestral)\.mistral\.ai$/, regionIn: always('EU') },
  {
    pattern:
      /^(?:api\.deepseek\.com|api\.moonshot\.cn|open\.bigmodel\.cn|dashscope\.aliyuncs\.com|api\.minimaxi\.com)$/,
    regionIn: always('CN'),
  },
  { pattern: /^ark\.cn-[a-z]+\.volces\.com$/, regionIn: always('CN') },
  { pattern: /^dashscope-intl\.aliyuncs\.com$/, regionIn: always('SG') },
  { pattern: /^dashscope-us\.aliyuncs\.com$/, regionIn: always('US') },
  { pattern: /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/, regionIn: always('LOCAL') },
]

const awsAreas: Readonly<Record<string, string>> = {
  us: 'US',
  eu: 'EU',
  ca: 'CA',
  sa: 'BR',
  af: 'ZA',
  il: 'IL',
  mx: 'MX',
  cn: 'CN',
  eusc: 'EU',
}
const awsExceptions: Readonly<Record<string, string>> = {
  'eu-west-2': 'UK',
  'eu-central-2': 'CH',
  'ap-northeast-1': 'JP',
  'ap-northeast-2': 'KR',
  'ap-northeast-3': 'JP',
  'ap-southeast-1': 'SG',
  'ap-southeast-2': 'AU',
  'ap-southeast-3': 'ID',
  'ap-southeast-4': 'AU',
  'ap-southeast-5': 'MY',
  'ap-southeast-6': 'NZ',
  'ap-southeast-7': 'TH',
  'ap-south-1': 'IN',
  'ap-south-2': 'IN',
  'ap-east-1': 'HK',
  'ap-east-2': 'TW',
  'me-south-1': 'BH',
  'me-central-1': 'AE',
}
const googleAreas: Readonly<Record<string, string>> = { us: 'US', eu: 'EU', europe: 'EU', africa: 'ZA' }
const googleExceptions: Readonly<Record<string, string>> = {
  'europe-west2': 'UK',
  'europe-west6': 'CH',
  'northamerica-northeast1': 'CA',
  'northamerica-northeast2': 'CA',
  'northamerica-south1': 'MX',
  'southamerica-east1': 'BR',
  'southamerica-west1': 'CL',
  'asia-east1': 'TW',
  'asia-east2': 'HK',
  'asia-northeast1': 'JP',
  'asia-northeast2': 'JP',
  'asia-northeast3': 'KR',
  'asia-south1': 'IN',
  'asia-south2': 'IN',
  'asia-southeast1': 'SG',
  'asia-southeast2': 'ID',
  'australia-southeast1': 'AU',
  'australia-southeast2': 'AU',
  'me-west1': 'IL',
  'me-central1': 'QA',
  'me-central2': 'SA',
}
const azureAreas: readonly { readonly pattern: RegExp; readonly region: string }[] = [
  { pattern: /^(?:east|west|central|northcentral|southcentral|westcentral)us\d?$|^usgov/, region: 'US' },
  {
    pattern: /^(?:north|west)europe$|^(?:germany|france|sweden|italy|spain|poland|austria|belgium|denmark|finland)/,
    region: 'EU',
  },
  { pattern: /^uk(?:south|west)$/, region: 'UK' },
  { pattern: /^switzerland/, region: 'CH' },
  { pattern: /^norway/, region: 'NO' },
  { pattern: /^canada/, region: 'CA' },
  { pattern: /^brazil/, region: 'BR' },
  { pattern: /^mexico/, region: 'MX' },
  { pattern: /^japan/, region: 'JP' },
  { pattern: /^korea/, region: 'KR' },
  { pattern: /^australia/, region: 'AU' },
  { pattern: /india$|^jioindia/, region: 'IN' },
  { pattern: /^southeastasia$/, region: 'SG' },
  { pattern: /^eastasia$/, region: 'HK' },
  { pattern: /^southafrica/, region: 'ZA' },
  { pattern: /^uae/, region: 'AE' },
  { pattern: /^qatar/, region: 'QA' },
  { pattern: /^israel/, region: 'IL' },
  { pattern: /^newzealand/, region: 'NZ' },
  { pattern: /^china/, region: 'CN' },
]
const ibmAreas: Readonly<Record<string, string>> = { us: 'US', ca: 'CA', jp: 'JP', au: 'AU', eu: 'EU' }
// Bedrock's inference profiles send a request to any region of an area, whatever the endpoint (Bedrock user guide, "cross-Region inference").
const isBedrock = /(?:^|\.)bedrock-runtime(?:-fips)?\./
const profileIn = /(?:^|\/)(us|us-gov|eu|apac|jp|au|ca|global)\.[a-z]/
const profileAreas: Readonly<Record<string, string>> = {
  us: 'US',
  'us-gov': 'US',
  eu: 'EU',
  jp: 'JP',
  au: 'AU',
  ca: 'CA',
  apac: 'APAC',
  global: 'GLOBAL',
}
