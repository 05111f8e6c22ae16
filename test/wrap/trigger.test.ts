import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, resolutionRequests } from '../../runtime/kube/resource.ts';
import { subpipeTrigger } from '../../steps/subpipe-trigger/step.ts';
import { makeCluster } from '../support/cluster.ts';
import { addCaller, addPipeline } from '../support/tekton.ts';
import { pipeline, task } from './support.ts';

const bound = '--workspaces=[{name: w, emptyDir: {}}]';
const images = [
  '--oci-workspaces=r.test/$(context.run.name)/{{workspace}}',
  '--oci-insecure=r.test',
  '--oci-base=r.test/base',
];

test('subpipe-trigger starts a Pipeline whose workspaces images hand on', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'build', pipeline([task('clone'), task('build', { runAfter: ['clone'] })]));
  const { env } = addCaller(cluster.kube);
  const { code, stderr } = await cluster.run(subpipeTrigger, ['--pipeline=build', bound, ...images], { env });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /images hand on the workspaces w of build/);
  const { spec } = await cluster.child(1);
  assert.equal(spec.pipelineRef, undefined);
  assert.deepEqual(spec.workspaces, [{ name: 'w', emptyDir: {} }]);
  const text = JSON.stringify(spec.pipelineSpec);
  for (const part of ['r.test/$(context.pipelineRun.name)/w:', '--insecure=r.test', '--base=r.test/base']) {
    assert.ok(text.includes(part), part);
  }
});

test('a Task behind a resolver is resolved by Tekton, and one of v1beta1 becomes one of v1', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  const params = [{ name: 'url', value: 'https://x.test/task.yaml' }];
  const remote = { name: 'clone', taskRef: { resolver: 'http', params }, workspaces: [{ name: 'w' }] };
  addPipeline(kube, 'build', pipeline([remote]));
  const yaml = `
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: {name: clone}
spec:
  workspaces: [{name: w}]
  steps: [{name: run, image: x, script: "ls $(workspaces.w.path)", resources: {limits: {cpu: "1"}}}]
`;
  const starting = cluster.run(subpipeTrigger, ['--pipeline=build', bound, ...images]);
  await kube.until(() => kube.all(resolutionRequests).length > 0, 'a ResolutionRequest');
  const [request] = kube.all<KubeObject & { spec?: unknown }>(resolutionRequests);
  assert.deepEqual(request?.spec, { params });
  kube.update<KubeObject & { status?: unknown }>(resolutionRequests, request?.metadata.name ?? '', (object) => {
    object.status = {
      data: Buffer.from(yaml).toString('base64'),
      conditions: [{ type: 'Succeeded', status: 'True' }],
    };
  });
  const { code, stderr } = await starting;
  assert.equal(code, 0, stderr);
  const [clone] = (await cluster.child(1)).spec.pipelineSpec?.tasks ?? [];
  const steps = clone?.taskSpec?.steps;
  assert.ok(Array.isArray(steps));
  assert.deepEqual(steps[1]?.computeResources, { limits: { cpu: '1' } });
});

test('without a binding to an emptyDir the Pipeline is called as it is', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'build', pipeline([task('clone')]));
  const claim = '--workspaces=[{name: w, persistentVolumeClaim: {claimName: c}}]';
  const { code, stderr } = await cluster.run(subpipeTrigger, ['--pipeline=build', claim, ...images]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /no workspace of build is bound to an emptyDir/);
  assert.deepEqual((await cluster.child(1)).spec.pipelineRef, { name: 'build' });
});

test('options without a target, and a target that is none, are refused before anything is made', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'build', pipeline([task('clone')]));
  const refuse = async (...argv: string[]) => {
    const { code, stderr } = await cluster.run(subpipeTrigger, ['--pipeline=build', bound, ...argv]);
    assert.equal(code, 2, stderr);
    return stderr;
  };
  assert.match(await refuse('--oci-base=x'), /--oci-base says how .* expected --oci-workspaces/);
  assert.match(await refuse('--oci-workspaces=r.test/$(tasks.a.results.b)'), /--oci-workspaces has the variable/);
  assert.equal(cluster.kube.count({ verb: 'create' }), 0);
});
