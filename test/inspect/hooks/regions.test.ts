import assert from 'node:assert/strict'
import test from 'node:test'
import { regionsBy } from '../../../src/inspect/hooks/regions.ts'

const hosts: [host: string, region: string | undefined][] = [
  ['bedrock-runtime.eu-central-1.amazonaws.com', 'EU'],
  ['bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'US'],
  ['bedrock-runtime.eu-west-2.amazonaws.com', 'UK'],
  ['bedrock-runtime.ap-southeast-2.amazonaws.com', 'AU'],
  ['bedrock-runtime.cn-north-1.amazonaws.com.cn', 'CN'],
  ['vpce-1234-abc.bedrock-runtime.eu-west-3.vpce.amazonaws.com', undefined],
  ['europe-west4-aiplatform.googleapis.com', 'EU'],
  ['europe-west2-aiplatform.googleapis.com', 'UK'],
  ['us-central1-aiplatform.googleapis.com', 'US'],
  ['aiplatform.eu.rep.googleapis.com', 'EU'],
  ['aiplatform.googleapis.com', undefined],
  ['westeurope.api.cognitive.microsoft.com', 'EU'],
  ['germanywestcentral.api.cognitive.microsoft.com', 'EU'],
  ['uksouth.api.cognitive.microsoft.com', 'UK'],
  ['acme.eastus2.inference.ml.azure.com', 'US'],
  ['acme.openai.azure.com', undefined],
  ['eu.api.openai.com', 'EU'],
  ['EU.api.openai.com.', 'EU'],
  ['gb.api.openai.com', 'UK'],
  ['api.openai.com', undefined],
  ['api.mistral.ai', 'EU'],
  ['eu-de.ml.cloud.ibm.com', 'EU'],
  ['eu-gb.ml.cloud.ibm.com', 'UK'],
  ['127.0.0.1', 'LOCAL'],
  ['eu.api.openai.com.attacker.example', undefined],
  ['xeu.api.openai.com', undefined],
  ['bedrock-runtime.mars-north-1.amazonaws.com', undefined],
]

for (const [host, region] of hosts) {
  test(`${host} is in ${region ?? 'a region that nobody knows'}`, () => {
    assert.equal(regionsBy({})(host, null), region)
  })
}

test('an inference profile of Bedrock goes to its area, whatever the endpoint', () => {
  const regionOf = regionsBy({})
  const host = 'bedrock-runtime.eu-central-1.amazonaws.com'
  const models: [string, string][] = [
    ['eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 'EU'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'US'],
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'GLOBAL'],
    ['arn:aws:bedrock:eu-central-1:1:inference-profile/us.amazon.nova-pro-v1:0', 'US'],
    ['anthropic.claude-3-haiku-20240307-v1:0', 'EU'],
  ]
  for (const [model, region] of models) assert.equal(regionOf(host, model), region)
  assert.equal(regionOf('eu.api.openai.com', 'us.model'), 'EU')
})

test('what the operator says goes first, in any case, the first glob that matches', () => {
  const regionOf = regionsBy({ 'acme.OPENAI.azure.com': 'eu', '*.azure.com': 'US', 'eu.api.openai.com': 'US' })
  assert.deepEqual(
    ['acme.openai.azure.com', 'other.openai.azure.com', 'eu.api.openai.com'].map((host) => regionOf(host, null)),
    ['EU', 'US', 'US'],
  )
})
