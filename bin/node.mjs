#!/usr/bin/env node
// Runs a script with the pinned Node, whatever Node started this file. Plain JavaScript, because an older Node must read it.
import { runPinned } from './pinned.mjs'

await runPinned(process.argv.slice(2))
