import type { Usage } from '../core/chat.ts'
import type { JsonTree } from './json-scan.ts'
import { items, member, none, numberOf, stringOf } from './json-tree.ts'
import type { JsonNode } from './json-tree.ts'
import { count } from './notes.ts'

/** The prompt includes what was cached; thoughts are apart from candidates; audio and image are within both. */
export function geminiUsage(tree: JsonTree, usage: JsonNode): Usage {
  // The Live API's name for what the model says.
  const live = member(tree, usage, 'responseTokenCount') !== none
  const cached = count(tree, usage, 'cachedContentTokenCount')
  const inputs = modalities(tree, member(tree, usage, 'promptTokensDetails'))
  const outputs = modalities(tree, member(tree, usage, live ? 'responseTokensDetails' : 'candidatesTokensDetails'))
  const prompt = count(tree, usage, 'promptTokenCount') + count(tree, usage, 'toolUsePromptTokenCount')
  const audio = inputs.audio + outputs.audio
  const image = inputs.image + outputs.image
  return {
    input: Math.max(0, prompt - cached - inputs.audio - inputs.image),
    output: Math.max(
      0,
      count(tree, usage, live ? 'responseTokenCount' : 'candidatesTokenCount') - outputs.audio - outputs.image,
    ),
    ...(numberOf(tree, member(tree, usage, 'cachedContentTokenCount')) === undefined ? {} : { cachedInput: cached }),
    ...(numberOf(tree, member(tree, usage, 'thoughtsTokenCount')) === undefined
      ? {}
      : { reasoning: count(tree, usage, 'thoughtsTokenCount') }),
    ...(audio > 0 ? { audio } : {}),
    ...(image > 0 ? { image } : {}),
  }
}

function modalities(tree: JsonTree, details: JsonNode): { readonly audio: number; readonly image: number } {
  let audio = 0
  let image = 0
  for (const detail of items(tree, details)) {
    const modality = stringOf(tree, member(tree, detail, 'modality'))
    if (modality === 'AUDIO') audio += count(tree, detail, 'tokenCount')
    if (modality === 'IMAGE') image += count(tree, detail, 'tokenCount')
  }
  return { audio, image }
}
