import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apply } from './support/apply.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent, scriptPipeline } from './support/pipelines.ts';
import { childrenOf, logOf, run, verdict } from './support/runs.ts';

describe('a child in another namespace', { concurrency: 2 }, () => {
  it('runs where RBAC allows it', async (t) => {
    const [here, there] = [await testNamespace(t, 'here'), await testNamespace(t, 'there')];
    await apply(
      there,
      scriptPipeline('leaf', 'echo over there'),
      `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: from-elsewhere}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: subpipe}
subjects: [{kind: ServiceAccount, name: subpipe, namespace: ${here}}]
`,
    );
    const done = await run(here, parent(call('call', { pipeline: 'leaf', namespace: there })));
    assert.equal(verdict(done), 'True Succeeded');
    const [child] = await childrenOf(there, 'main');
    assert.equal(
      child?.metadata.ownerReferences,
      undefined,
      'an owner in another namespace would have it collected as garbage',
    );
    assert.match(await logOf(here, 'main', 'call'), /\[call\/job\/run\] over there/);
  });

  it('is refused with the missing verb and resource where RBAC does not', async (t) => {
    const [here, there] = [await testNamespace(t, 'noright'), await testNamespace(t, 'closed')];
    await apply(there, scriptPipeline('leaf', 'echo over there'));
    await run(here, parent(call('call', { pipeline: 'leaf', namespace: there })));
    const log = await logOf(here, 'main', 'call');
    assert.ok(log.includes(`needs the verb get on pipelines.tekton.dev in namespace ${there}`), log);
    assert.deepEqual(await childrenOf(there, 'main'), []);
  });

  it('names the verb create where only reading is allowed', async (t) => {
    const [here, there] = [await testNamespace(t, 'reader'), await testNamespace(t, 'readonly')];
    await apply(
      there,
      scriptPipeline('leaf', 'echo over there'),
      `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [tekton.dev], resources: [pipelines], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: subpipe, namespace: ${here}}]
`,
    );
    await run(here, parent(call('call', { pipeline: 'leaf', namespace: there })));
    assert.ok(
      (await logOf(here, 'main', 'call')).includes(
        `needs the verb create on pipelineruns.tekton.dev in namespace ${there}`,
      ),
    );
  });
});
