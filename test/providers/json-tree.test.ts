import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanJson } from '../../src/providers/json-scan.ts'
import type { JsonTree } from '../../src/providers/json-scan.ts'
import * as json from '../../src/providers/json-tree.ts'

const tree = scanJson(
  '{"a":{"b":[1,2,"x\\n",null,true,{"c":-1.5e2}],"\\u0062b":"\\ud800"},"a2":true,"d":"1","d":"2","e":[]}',
) as JsonTree

test('values are found by their names, the last of a name', () => {
  const { root } = json
  assert.equal(json.stringOf(tree, json.member(tree, root, 'd')), '2')
  assert.equal(json.stringOf(tree, json.member(tree, root, 'a', 'bb')), '\ud800')
  assert.equal(json.isTrue(tree, json.member(tree, root, 'a2')), true)
  assert.equal(json.member(tree, root, 'a', 'no', 'where'), json.none)
  assert.equal(json.member(tree, json.none, 'a'), json.none)
})

test('elements of an array are counted, neighbouring scalars as one node', () => {
  const list = json.member(tree, json.root, 'a', 'b')
  assert.equal(json.lengthOf(tree, list), 6)
  assert.deepEqual(
    json.items(tree, list).map((item) => [json.kindOf(tree, item), json.countOf(tree, item)]),
    [
      ['scalar', 2],
      ['string', 1],
      ['scalar', 2],
      ['object', 1],
    ],
  )
  assert.equal(json.numberOf(tree, json.member(tree, json.items(tree, list)[3] as number, 'c')), -150)
  assert.equal(json.lengthOf(tree, json.member(tree, json.root, 'e')), 0)
  assert.deepEqual(json.items(tree, json.root), [])
})

test('a node that is something else is no string, number or true', () => {
  const object = json.member(tree, json.root, 'a')
  for (const node of [json.none, object]) {
    assert.equal(json.stringOf(tree, node), undefined)
    assert.equal(json.numberOf(tree, node), undefined)
    assert.equal(json.isTrue(tree, node), false)
    assert.equal(json.isEscaped(tree, object), false)
  }
  assert.equal(json.numberOf(tree, json.member(tree, json.root, 'a2')), undefined)
})

test('places of strings are those of their insides', () => {
  const text = json.items(tree, json.member(tree, json.root, 'a', 'b'))[1] as number
  assert.equal(tree.text.slice(json.startOf(tree, text), json.endOf(tree, text)), 'x\\n')
  assert.equal(json.isEscaped(tree, text), true)
})
