import { after } from 'node:test'

// Loaded into every test file's process by scripts/test.ts. A file whose tests have ended, and that something keeps alive, ends in
// failure and says what it was: its results have long been told by then, and the files behind it do not wait.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  after(() => {
    setTimeout(
      () => {
        const open = process.getActiveResourcesInfo().filter((what) => what !== 'PipeWrap')
        console.error(`error: this file's tests have ended, and it does not: ${open.join(', ')}`)
        process.exit(1)
      },
      Number(process.env.TEST_PATIENCE_MS ?? 10_000),
    ).unref()
  })
}
