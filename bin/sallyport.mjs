#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runPinned } from './pinned.mjs'

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const built = fileURLToPath(new URL('../dist/main.js', import.meta.url))
await runPinned([existsSync(source) ? source : built, ...process.argv.slice(2)], { inProcess: true })
