import assert from 'node:assert/strict'
import test from 'node:test'
import { java } from '../../src/trust/java.ts'
import { exampleRoot, machineWith } from '../support/machines.ts'

test('the Java of JAVA_HOME comes before that of the path', () => {
  const programs = ['/usr/lib/jvm/17/bin/keytool', '/opt/java/bin/keytool']
  const chosen = (env: Record<string, string>) => java.places(machineWith({ programs, env }), exampleRoot)[0]?.check[0]
  assert.equal(chosen({}), '/usr/lib/jvm/17/bin/keytool')
  assert.equal(chosen({ JAVA_HOME: '/opt/java' }), '/opt/java/bin/keytool')
  assert.equal(chosen({ JAVA_HOME: '/nowhere' }), '/usr/lib/jvm/17/bin/keytool')
})

test("only a Java outside of the user's home needs the superuser, and never to look", () => {
  for (const [path, asRoot] of [
    ['/usr/lib/jvm/17/bin/keytool', true],
    ['/home/ana/.sdkman/java/bin/keytool', false],
  ] as const) {
    const [place] = java.places(machineWith({ programs: [path] }), exampleRoot)
    assert.deepEqual(
      [...(place?.install ?? []), ...(place?.uninstall ?? [])].map((step) => step.asRoot),
      [asRoot, asRoot],
    )
  }
})

test('a machine without Java does not have it', () => {
  assert.equal(java.available(machineWith({})), false)
})
