import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pipelineRuns } from '../../runtime/kube/resource.ts';
import { apply } from './support/apply.ts';
import { kube } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent } from './support/pipelines.ts';
import { childrenOf, logOf, run, verdict } from './support/runs.ts';

const strict = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: strict}
spec:
  params:
  - {name: image, type: string}
  - {name: suites, type: array}
  - {name: target, type: object, properties: {region: {}, zone: {}}}
  workspaces: [{name: source}, {name: cache, optional: true}]
  tasks:
  - {name: work, taskSpec: {steps: [{name: run, image: SHELL_IMAGE, command: ["true"]}]}}
`;

describe('a call that does not fit', { concurrency: 2 }, () => {
  it('is refused with every finding before anything is created', async (t) => {
    const namespace = await testNamespace(t, 'checks');
    await apply(namespace, strict);
    const done = await run(
      namespace,
      parent(
        call('call', {
          pipeline: 'strict',
          suites: 'unit',
          target: { region: 'eu' },
          colour: 'red',
          workspaces: '[{name: elsewhere, emptyDir: {}}]',
        }),
      ),
    );
    assert.equal(verdict(done), 'False Failed');
    const log = await logOf(namespace, 'main', 'call');
    for (const finding of [
      'missing param image',
      'param suites must be an array, but is the string "unit"',
      'param target lacks the key zone',
      'unknown param colour (it has image, suites, target)',
      'unknown workspace elsewhere (it has source, cache)',
      'missing workspace source',
      'Nothing was created',
    ]) {
      assert.ok(log.includes(finding), `${finding} in ${log}`);
    }
    assert.deepEqual(await childrenOf(namespace, 'main'), []);
  });

  it('names the Pipeline that is not there', async (t) => {
    const namespace = await testNamespace(t, 'absent');
    await run(namespace, parent(call('call', { pipeline: 'absent' })));
    assert.match(await logOf(namespace, 'main', 'call'), /there is no Pipeline absent in namespace/);
  });
});

describe('a call chain', { concurrency: 2 }, () => {
  /** A Pipeline that calls `next`. */
  const caller = (name: string, next: string, params: Record<string, unknown> = {}): string => `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: ${name}}
spec:
  tasks:
${call('call', { pipeline: next, 'service-account': 'subpipe', ...params }).replace(/^/gm, '  ')}
`;

  it('that goes round in a circle is refused before the child is created, with the chain', async (t) => {
    const namespace = await testNamespace(t, 'cycle');
    await apply(namespace, caller('first', 'second'), caller('second', 'first'));
    const done = await run(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec: {taskRunTemplate: {serviceAccountName: subpipe}, pipelineRef: {name: first}}
`,
    );
    assert.equal(verdict(done), 'False Failed');
    const log = await logOf(namespace, 'main', 'call');
    assert.ok(log.includes(`round in a circle: ${namespace}/first → ${namespace}/second → ${namespace}/first`), log);
    const { items } = await kube.list(pipelineRuns, namespace, {});
    assert.equal(items.length, 2, 'the caller and one child: the one that would close the circle was not made');
  });

  it('that is deeper than max-depth is refused', async (t) => {
    const namespace = await testNamespace(t, 'depth');
    await apply(
      namespace,
      caller('second', 'third', { 'max-depth': '1' }),
      strict.replace('name: strict', 'name: third'),
    );
    await run(namespace, parent(call('call', { pipeline: 'second', 'service-account': 'subpipe' })));
    assert.match(await logOf(namespace, 'main', 'call'), /the call is 2 deep, and max-depth is 1: .*second → .*third/);
  });
});
