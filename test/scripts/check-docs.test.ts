import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  configurationKeyProblems,
  dependencyProblems,
  errorPage,
  errorPageProblems,
  linkProblems,
  metricProblems,
  schemaKeys,
} from '../../scripts/check-docs.ts'

const table = {
  blocked: { status: 403, meaning: 'It was blocked.', hint: 'Ask `a|b`.' },
  bad_file: { status: 0, meaning: 'The file is bad.', hint: 'Mend it.' },
}

test('the page of errors as written has no problems', () => {
  const page = errorPage(table)
  assert.deepEqual(errorPageProblems(page, table), [])
  assert.match(page, /\| `blocked` \| 403 \|/)
  assert.match(page, /\| `bad_file` \| – \|/)
})

test('codes that lack, differ or are too many are named', () => {
  const page = errorPage(table)
  assert.match(
    errorPageProblems(page.replace('`bad_file`', '`good_file`'), table).join(),
    /lacks bad_file.*good_file is no code/,
  )
  assert.match(errorPageProblems(page.replace('403', '404'), table).join(), /blocked has status 404, not 403/)
  assert.match(errorPageProblems(page.replace('It was', 'It is'), table).join(), /--write/)
})

test('every dependency needs a line and every line a dependency', () => {
  const manifest = JSON.stringify({
    dependencies: { a: '1' },
    devDependencies: { '@b/c': '1' },
    optionalDependencies: { d: '1' },
  })
  assert.deepEqual(dependencyProblems(manifest, '| `a` | x |\n| `@b/c` | y |\n| `d` | z |'), [])
  assert.deepEqual(dependencyProblems(manifest, '| `a` | x |\n| `d` | z |\n| `e` | e |'), [
    'docs/dependencies.md: lacks @b/c',
    'docs/dependencies.md: e is no dependency',
  ])
})

test('links must lead to a file and to a heading', () => {
  const pages = new Map([
    [
      'docs/a.md',
      '# One `two`\n[b](b.md) [c](c.md) [up](../README.md#x-y) [web](https://a.example/) [here](#one-two) `[no](no.md)`',
    ],
    ['docs/b.md', '[a](a.md#three)'],
    ['README.md', '## X, y\n'],
  ])
  assert.deepEqual(
    linkProblems(pages, (path) => pages.has(path)),
    ['docs/a.md: c.md leads nowhere', 'docs/b.md: a.md#three: no such heading'],
  )
})

test('keys of a JSON Schema are found through unions and arrays', () => {
  const schema = {
    properties: {
      proxy: { anyOf: [{ type: 'null' }, { properties: { listen: {} } }] },
      list: { items: { properties: { name: {} } } },
      free: { additionalProperties: { properties: { hidden: {} } } },
    },
  }
  assert.deepEqual(schemaKeys(schema), ['proxy', 'proxy.listen', 'list', 'list.name', 'free'])
})

test('keys that the configuration page does not name in code are named', () => {
  const page = 'listen is in prose. `proxy` and\n```yaml\nlist: [{ name: a }]\n```'
  assert.deepEqual(configurationKeyProblems(page, ['proxy', 'proxy.listen', 'list', 'list.name']), [
    'docs/configuration.md: lacks proxy.listen',
  ])
})

test('metrics that the page lacks, tells wrong or has too many are named, but for those of Node', () => {
  const metrics = [
    { name: 'sallyport_a_total', type: 'counter', labelNames: ['door', 'code'] },
    { name: 'sallyport_b', type: 'gauge', labelNames: [] },
    { name: 'sallyport_nodejs_heap_bytes', type: 'gauge' },
  ]
  const page = '| `sallyport_a_total` | counter | `door`, `code` | x |\n| `sallyport_b` | gauge | – | y |\n'
  assert.deepEqual(metricProblems(page, metrics), [])
  assert.deepEqual(metricProblems(page.replace('`door`, ', '').replace('_b`', '_c`'), metrics), [
    'docs/metrics.md: sallyport_a_total is told as counter(code), not counter(door,code)',
    'docs/metrics.md: lacks sallyport_b',
    'docs/metrics.md: sallyport_c is no metric',
  ])
  assert.deepEqual(metricProblems(page.replace('| gauge', '| counter'), metrics), [
    'docs/metrics.md: sallyport_b is told as counter(), not gauge()',
  ])
})
