import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** secretlint with its recommended rules. `folder` has `@secretlint/core` and that preset installed; undefined where it has not. */
export async function secretlintIn(folder: string): Promise<((text: string) => Promise<number>) | undefined> {
  const resolve = createRequire(join(folder, 'package.json')).resolve
  try {
    const core = (await import(pathToFileURL(resolve('@secretlint/core')).href)) as Core
    const preset: unknown = await import(pathToFileURL(resolve('@secretlint/secretlint-rule-preset-recommend')).href)
    const rule = (preset as { readonly creator: unknown }).creator
    const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule }] }
    return async (content) => {
      const source = { content, filePath: 'text.txt', ext: '.txt', contentType: 'text' }
      const { messages } = await core.lintSource({ source, options: { config } })
      return messages.length
    }
  } catch {
    return undefined
  }
}

type Core = {
  readonly lintSource: (input: {
    readonly source: {
      readonly content: string
      readonly filePath: string
      readonly ext: string
      readonly contentType: string
    }
    readonly options: { readonly config: unknown }
  }) => Promise<{ readonly messages: readonly unknown[] }>
}
