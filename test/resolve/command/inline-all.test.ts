import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { tasks as taskResource } from '../../../runtime/kube/resource.ts';
import { startArtifactHub } from '../../fakes/hub.ts';
import { FakeKube } from '../../fakes/kube.ts';
import { FakeRegistry } from '../../fakes/registry.ts';
import { makeBundle } from '../../support/bundle.ts';
import { makeFolder } from '../../support/folder.ts';
import { gitBackend, makeRepository, withGit } from '../../support/git-server.ts';
import { serve } from '../../support/http-server.ts';
import { clientOf } from '../../support/kube.ts';
import { runOf, taskOf } from '../support/yaml.ts';
import { imagesOf, objects, refusal, resolve } from './command.ts';

const ref = (resolver: string, params: Record<string, string>): string =>
  JSON.stringify({ resolver, params: Object.entries(params).map(([name, value]) => ({ name, value })) });

test(
  '--inline-all embeds what git, http, hub, bundles and cluster resolvers lead to: nothing is left to resolve',
  withGit,
  async () => {
    await using served = await makeFolder({ 'work/tasks/x.yaml': taskOf('x', 'git') });
    makeRepository(path.join(served.path, 'work'), path.join(served.path, 'o', 'r.git'));
    await using git = await serve(gitBackend(served.path));
    const action = `apiVersion: tekton.dev/v1beta1\nkind: StepAction\nmetadata: {name: say}\nspec: {image: stepaction, params: [{name: what}], script: 'echo $(params.what)'}\n`;
    await using web = await serve((request, response) =>
      response.end(
        request.url === '/say.yaml'
          ? action
          : `apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: w}\nspec: {steps: [{name: s, image: http}, {name: a, ref: ${ref('http', { url: `${web.url}/say.yaml` })}, params: [{name: what, value: hi}]}]}\n`,
      ),
    );
    await using hub = await startArtifactHub({ 'task/tekton-catalog-tasks/clone/0.9.0': taskOf('clone', 'hub') });
    await using registry = await FakeRegistry.start();
    const { manifest, blobs } = await makeBundle([{ name: 'b', kind: 'task', text: taskOf('b', 'bundle') }]);
    for (const { descriptor, bytes } of blobs) registry.plant('team/bundle', descriptor.digest, bytes);
    registry.plantManifest('team/bundle', 'v1', manifest.descriptor.mediaType, Buffer.from(manifest.bytes));
    await using kube = await FakeKube.start();
    await using own = await clientOf(kube);
    kube.add(taskResource, {
      apiVersion: 'tekton.dev/v1',
      kind: 'Task',
      metadata: { name: 'c', namespace: 'tools' },
      spec: { steps: [{ name: 's', image: 'cluster' }] },
    });

    const refs: Record<string, string> = {
      git: ref('git', { url: `${git.url}/o/r.git`, revision: 'main', pathInRepo: 'tasks/x.yaml' }),
      http: ref('http', { url: `${web.url}/w.yaml` }),
      hub: ref('hub', { name: 'clone', version: '0.9' }),
      bundle: ref('bundles', { bundle: `${registry.host}/team/bundle:v1`, name: 'b', kind: 'task' }),
      old: `{name: b, bundle: '${registry.host}/team/bundle:v1'}`,
      cluster: ref('cluster', { name: 'c', namespace: 'tools', kind: 'task' }),
    };
    const tasks = Object.entries(refs).map(([name, taskRef]) => `{name: ${name}, taskRef: ${taskRef}}`);
    await using folder = await makeFolder({
      '.tekton/a.yaml': runOf({}, `{pipelineSpec: {tasks: [${tasks.join(', ')}]}}`),
    });
    const catalogs = ['--catalogs', `default=${hub.url}`, '--kubeconfig', own.kubeconfig];
    const { code, stdout, stderr } = await resolve(folder.path, [
      '-f',
      '.tekton',
      '--inline-all',
      '--validate',
      ...catalogs,
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    assert.doesNotMatch(stdout, /resolver:|taskRef:|ref:/);
    const [run] = await objects(folder.path, ['-f', '.tekton', '--inline-all', '--offline', ...catalogs]);
    assert.deepEqual(imagesOf(run), {
      git: 'git',
      http: 'http',
      hub: 'hub',
      bundle: 'bundle',
      old: 'bundle',
      cluster: 'cluster',
    });
    assert.deepEqual(run.spec.pipelineSpec.tasks[1].taskSpec.steps[1], {
      name: 'a',
      image: 'stepaction',
      script: 'echo hi',
    });
  },
);

test('a resolver that cannot be followed from here stays, with a warning; a param known at run time only is an error', async () => {
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({}, `{pipelineSpec: {tasks: [{name: t, taskRef: ${ref('ours', { a: 'b' })}}]}}`),
  });
  const { code, stderr } = await resolve(folder.path, ['-f', '.tekton', '--inline-all']);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /a\.yaml: PipelineRun main: spec\.pipelineSpec\.tasks\[0\]\.taskRef still needs the resolver ours/,
  );
  await folder.write('.tekton/a.yaml', runOf({}, `{pipelineRef: ${ref('http', { url: '$(params.url)' })}}`));
  const message = await refusal(folder.path, ['-f', '.tekton', '--inline-all']);
  assert.match(
    message,
    /a\.yaml, line 5: the resolver http cannot be followed: its param url is known only at run time/,
  );
});

test('without --inline-all they stay as they are', async () => {
  const taskRef = ref('http', { url: 'http://127.0.0.1:1/x.yaml' });
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({}, `{pipelineSpec: {tasks: [{name: t, taskRef: ${taskRef}}]}}`),
  });
  const [run] = await objects(folder.path, ['-f', '.tekton']);
  assert.deepEqual(run.spec.pipelineSpec.tasks[0].taskRef, JSON.parse(taskRef));
});
