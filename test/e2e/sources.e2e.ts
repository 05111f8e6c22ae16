import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apply } from './support/apply.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent, scriptPipeline } from './support/pipelines.ts';
import { childrenOf, logOf, run, verdict } from './support/runs.ts';

/** A Pipeline in a ConfigMap stands for one in a repository: the workspace source has files either way. */
function files(data: Record<string, string>): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'repository' }, data });
}

const withSource = 'workspaces: [{name: source, workspace: repository}]\n';
const repository = '  workspaces: [{name: repository, configMap: {name: repository}}]';

const pipelineFile = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: filed}
spec:
  params: [{name: word}]
  tasks:
  - {name: say, taskRef: {name: say}, params: [{name: word, value: $(params.word)}]}
  - {name: near, taskRef: {name: near}}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: say}
spec:
  params: [{name: word}]
  steps: [{name: run, image: SHELL_IMAGE, command: [echo, "said $(params.word)"]}]
`;
const taskFile = `
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: near}
spec: {steps: [{name: run, image: SHELL_IMAGE, command: [echo, from the file beside]}]}
`;

describe('the source of the child', { concurrency: 3 }, () => {
  it('is a file of a workspace, with the Tasks of the file and its folder inlined', async (t) => {
    const namespace = await testNamespace(t, 'file');
    await apply(namespace, files({ 'pipeline.yaml': pipelineFile, 'tasks.yml': taskFile }));
    const done = await run(
      namespace,
      parent(
        call('call', { file: 'pipeline.yaml', word: 'it' }, withSource),
        '    workspaces: [{name: repository}]',
        repository,
      ),
    );
    assert.equal(verdict(done), 'True Succeeded');
    const log = await logOf(namespace, 'main', 'call');
    assert.match(log, /\[call\/say\/run\] said it/);
    assert.match(log, /\[call\/near\/run\] from the file beside/);
  });

  it('is a PipelineRun of a file, whose spec the child keeps', async (t) => {
    const namespace = await testNamespace(t, 'runfile');
    const runFile = `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: nightly-, labels: {team: ci}}
spec:
  pipelineRef: {name: filed}
  params: [{name: word, value: nightly}]
  timeouts: {pipeline: 7m}
---
${pipelineFile}`;
    await apply(namespace, files({ 'run.yaml': runFile, 'tasks.yml': taskFile }));
    const done = await run(
      namespace,
      parent(call('call', { file: 'run.yaml' }, withSource), '    workspaces: [{name: repository}]', repository),
    );
    assert.equal(verdict(done), 'True Succeeded');
    const [child] = await childrenOf(namespace, 'main');
    assert.equal(child?.metadata.labels?.team, 'ci');
    assert.equal(child?.spec.timeouts?.pipeline, '7m0s');
  });

  it('is a whole PipelineRun, with what the call says merged in', async (t) => {
    const namespace = await testNamespace(t, 'wholerun');
    const whole = `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: ignored, annotations: {why: because}}
spec:
  taskRunSpecs: [{pipelineTaskName: work, metadata: {labels: {size: large}}}]
  pipelineSpec:
    params: [{name: word, default: unset}]
    tasks:
    - name: work
      taskSpec: {steps: [{name: run, image: SHELL_IMAGE, command: [echo, got it]}]}
`;
    const fragment = '{taskRunTemplate: {podTemplate: {priorityClassName: system-node-critical}}}';
    const done = await run(
      namespace,
      parent(call('call', { run: whole, word: 'merged', 'run-spec': fragment, labels: '{team: ci}' })),
    );
    assert.equal(verdict(done), 'True Succeeded');
    const [child] = await childrenOf(namespace, 'main');
    assert.equal(child?.metadata.annotations?.why, 'because');
    assert.equal(child?.metadata.labels?.team, 'ci');
    assert.equal(child?.spec.taskRunSpecs?.[0]?.pipelineTaskName, 'work');
    assert.deepEqual(child?.spec.params, [{ name: 'word', value: 'merged' }]);
    assert.deepEqual(child?.spec.taskRunTemplate?.podTemplate, { priorityClassName: 'system-node-critical' });
  });
});

describe('the workspaces of the child', { concurrency: 3 }, () => {
  /** Shows what is in a workspace, and leaves a mark where it may write. */
  const reader = scriptPipeline(
    'reader',
    'cd $(workspaces.data.path); ls | sort | tr "\\n" " "; cat key 2>/dev/null; [ -w . ] && echo mark >> key; true',
    '  workspaces: [{name: data}]',
  ).replace('    taskSpec:\n', '    workspaces: [{name: data}]\n    taskSpec:\n      workspaces: [{name: data}]\n');

  const bindings: Record<string, string> = {
    emptyDir: '{name: data, emptyDir: {}}',
    configMap: '{name: data, configMap: {name: some}}',
    secret: '{name: data, secret: {secretName: some}}',
    projected: '{name: data, projected: {sources: [{configMap: {name: some}}]}}',
    volumeClaimTemplate:
      '{name: data, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}',
  };

  it(`are bound to ${Object.keys(bindings).join(', ')}`, async (t) => {
    const namespace = await testNamespace(t, 'bindings');
    await apply(
      namespace,
      reader,
      '{apiVersion: v1, kind: ConfigMap, metadata: {name: some}, data: {key: from-config}}',
      '{apiVersion: v1, kind: Secret, metadata: {name: some}, stringData: {key: from-secret}}',
    );
    const calls = Object.entries(bindings).map(
      ([kind, binding]) => `- {name: ${kind.toLowerCase()}, pipeline: reader, workspaces: [${binding}]}`,
    );
    const done = await run(namespace, parent(call('call', { calls: calls.join('\n') })));
    const log = await logOf(namespace, 'main', 'call');
    assert.equal(verdict(done), 'True Succeeded', log);
    assert.match(log, /\[configmap\/job\/run\] key from-config/);
    assert.match(log, /\[secret\/job\/run\] key from-secret/);
    assert.match(log, /\[projected\/job\/run\] key from-config/);
  });

  it('share a persistentVolumeClaim with a subPath from call to call', async (t) => {
    const namespace = await testNamespace(t, 'claim');
    await apply(
      namespace,
      reader,
      '{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}',
    );
    const binding = '{name: data, subPath: here, persistentVolumeClaim: {claimName: disk}}';
    const calls = `
- {name: first, pipeline: reader, workspaces: [${binding}]}
- {name: second, pipeline: reader, runAfter: [first], workspaces: [${binding}]}
`;
    const done = await run(namespace, parent(call('call', { calls })));
    assert.equal(verdict(done), 'True Succeeded');
    assert.match(await logOf(namespace, 'main', 'call'), /\[second\/job\/run\] key mark/);
  });

  it('hand a csi volume on to Tekton as it is', async (t) => {
    const namespace = await testNamespace(t, 'csi');
    await apply(namespace, reader);
    // No such driver is here: what counts is the child, which waits for it until it times out.
    await run(
      namespace,
      parent(
        call('call', {
          pipeline: 'reader',
          timeout: '3s',
          workspaces: '[{name: data, csi: {driver: none.example.com, readOnly: true}}]',
        }),
      ),
    );
    const [child] = await childrenOf(namespace, 'main');
    assert.deepEqual(child?.spec.workspaces, [{ name: 'data', csi: { driver: 'none.example.com', readOnly: true } }]);
  });
});
