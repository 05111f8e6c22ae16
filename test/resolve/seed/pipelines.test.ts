import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startArtifactHub } from '../../fakes/hub.ts';
import { serve } from '../../support/http-server.ts';
import { pipelineOf, runOf, taskOf } from '../support/yaml.ts';
import { failure, imagesOf, runsOf } from './support.ts';

test('only one pipeline annotation is allowed, and its value should have one pipeline', async () => {
  const files = { '.tekton/run.yaml': runOf({ pipeline: '[./a.yaml, ./b.yaml]' }, '{pipelineRef: {name: a}}') };
  assert.match(await failure(files), /must name one Pipeline, but names 2/);
});

test('annotations like pipeline-1 are not supported', async () => {
  const files = {
    '.tekton/run.yaml': runOf({ 'pipeline-1': './a.yaml' }, '{pipelineRef: {name: a}}'),
    'a.yaml': pipelineOf('a', '[]'),
  };
  assert.match(await failure(files), /cannot find referenced pipeline a/);
});

test('a task of the remote pipeline is overridden by one of the same name in the PipelineRun annotations', async () => {
  const files = {
    '.tekton/run.yaml': runOf({ pipeline: './share/p.yaml', task: './mine.yaml' }, '{pipelineRef: {name: p}}'),
    'share/p.yaml': pipelineOf('p', '[{name: t, taskRef: {name: x}}]', { task: './x.yaml' }),
    'share/x.yaml': taskOf('x', 'theirs'),
    'mine.yaml': taskOf('x', 'mine'),
  };
  const [main] = await runsOf(files);
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'mine');
});

test('a task is found in the PipelineRun annotations, then the Pipeline annotations, then the Tekton directory', async () => {
  const annotated = pipelineOf(
    'p',
    '[{name: a, taskRef: {name: a}}, {name: b, taskRef: {name: b}}, {name: c, taskRef: {name: c}}]',
    { task: '[./pa.yaml, ./pb.yaml]' },
  );
  const [main] = await runsOf({
    '.tekton/run.yaml': runOf({ pipeline: './p.yaml', task: './ra.yaml' }, '{pipelineRef: {name: p}}'),
    'p.yaml': annotated,
    'ra.yaml': taskOf('a', 'run'),
    'pa.yaml': taskOf('a', 'pipeline'),
    'pb.yaml': taskOf('b', 'pipeline'),
    '.tekton/tasks.yaml': ['a', 'b', 'c'].map((name) => taskOf(name, 'folder')).join('---\n'),
  });
  assert.deepEqual(imagesOf(main), { a: 'run', b: 'pipeline', c: 'folder' });
});

test('a pipeline is found in the PipelineRun annotations, then the Tekton directory', async () => {
  const files = {
    '.tekton/run.yaml': runOf({ pipeline: './p.yaml' }, '{pipelineRef: {name: p}}'),
    'p.yaml': pipelineOf('p', '[{name: remote, taskSpec: {steps: []}}]'),
    '.tekton/p.yaml': pipelineOf('p', '[{name: local, taskSpec: {steps: []}}]'),
  };
  const [remote] = await runsOf(files);
  assert.equal(remote.spec.pipelineSpec.tasks[0].name, 'remote');
  const [local] = await runsOf(files, '--remoteTask=false');
  assert.equal(local.spec.pipelineSpec.tasks[0].name, 'local');
});

const named = '{pipelineRef: {name: p}}';
const step = (image: string) => `[{name: t, taskSpec: {steps: [{name: s, image: ${image}}]}}]`;

test('a remote pipeline is referenced by annotation, which allows to share a Pipeline across multiple repositories', async () => {
  await using server = await serve((_request, response) => response.end(pipelineOf('p', step('shared'))));
  const url = `${server.url}/raw/pipeline.yaml`;
  for (const one of ['one', 'another']) {
    const [main] = await runsOf({ '.tekton/run.yaml': runOf({ pipeline: url }, named, one) });
    assert.deepEqual(imagesOf(main), { t: 'shared' });
    assert.equal(main.spec.pipelineRef, undefined);
  }
});

test('a remote pipeline by a remote URL, or by a relative path inside the repository', async () => {
  await using server = await serve((_request, response) => response.end(pipelineOf('p', step('url'))));
  const [byUrl] = await runsOf({ '.tekton/run.yaml': runOf({ pipeline: `${server.url}/raw/pipeline.yaml` }, named) });
  assert.deepEqual(imagesOf(byUrl), { t: 'url' });
  const [byPath] = await runsOf({
    '.tekton/run.yaml': runOf({ pipeline: './tasks/pipeline.yaml' }, named),
    'tasks/pipeline.yaml': pipelineOf('p', step('path')),
  });
  assert.deepEqual(imagesOf(byPath), { t: 'path' });
});

const hubContent = {
  'pipeline/tekton-catalog-pipelines/buildpacks/0.1.0': pipelineOf('buildpacks', step('hub-0.1')),
  'pipeline/tekton-catalog-pipelines/buildpacks/0.2.0': pipelineOf('buildpacks', step('hub-0.2')),
};
const fromHub = (annotation: string) => ({
  '.tekton/run.yaml': runOf({ pipeline: annotation }, '{pipelineRef: {name: buildpacks}}'),
});

test('"[buildpacks]" installs the buildpacks pipeline from the hub, querying for the latest version', async () => {
  await using hub = await startArtifactHub(hubContent);
  const [main] = await runsOf(fromHub('[buildpacks]'), `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { t: 'hub-0.2' });
});

test('a specific version of the pipeline is a colon and a version number', async () => {
  await using hub = await startArtifactHub(hubContent);
  const [main] = await runsOf(fromHub('[buildpacks:0.1]'), `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { t: 'hub-0.1' });
});

test('"[anothercatalog://buildpacks:0.1]" installs a pipeline from the custom catalog', async () => {
  await using hub = await startArtifactHub({
    'pipeline/ours/buildpacks/0.1.0': pipelineOf('buildpacks', step('custom')),
  });
  const [main] = await runsOf(
    fromHub('[anothercatalog://buildpacks:0.1]'),
    `--catalogs=anothercatalog=${hub.url},id=ours`,
  );
  assert.deepEqual(imagesOf(main), { t: 'custom' });
});

test('remote task annotations on the remote pipeline are supported, a hub name as in the example too', async () => {
  await using hub = await startArtifactHub({ 'task/tekton-catalog-tasks/git-clone/0.9.0': taskOf('git-clone', 'hub') });
  await using server = await serve((request, response) =>
    response.end(
      request.url === '/raw/beside.yaml'
        ? taskOf('beside', 'beside')
        : pipelineOf('p', '[{name: a, taskRef: {name: git-clone}}, {name: b, taskRef: {name: beside}}]', {
            task: '[git-clone, ./beside.yaml]',
          }),
    ),
  );
  const files = { '.tekton/run.yaml': runOf({ pipeline: `${server.url}/raw/pipeline.yaml` }, named) };
  const [main] = await runsOf(files, `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { a: 'hub', b: 'beside' });
});

test('in the example, my-git-clone-task.yaml is used instead of the git-clone of the remote pipeline', async () => {
  await using hub = await startArtifactHub({ 'task/tekton-catalog-tasks/git-clone/0.9.0': taskOf('git-clone', 'hub') });
  await using server = await serve((_request, response) =>
    response.end(pipelineOf('p', '[{name: t, taskRef: {name: git-clone}}]', { task: 'git-clone' })),
  );
  const annotations = { pipeline: `${server.url}/raw/pipeline.yaml`, task: './my-git-clone-task.yaml' };
  const files = {
    '.tekton/run.yaml': runOf(annotations, named),
    'my-git-clone-task.yaml': taskOf('git-clone', 'mine'),
  };
  const [main] = await runsOf(files, `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { t: 'mine' });
});

test('no other annotations of the remote pipeline are supported: on-event of a Pipeline starts nothing and stops nothing', async () => {
  const other = {
    'on-event': '[pull_request]',
    'on-target-branch': '[none]',
    'on-cel-expression': 'false',
    'pipeline-1': './no.yaml',
  };
  const files = {
    '.tekton/run.yaml': runOf({ pipeline: './p.yaml', 'on-event': '[push]', 'on-target-branch': '[main]' }, named),
    'p.yaml': pipelineOf('p', step('i'), other),
  };
  const [main] = await runsOf(files, '--event=push', '--target-branch=main');
  assert.deepEqual(imagesOf(main), { t: 'i' });
  assert.equal(main.metadata.annotations['pipelinesascode.tekton.dev/on-event'], '[push]');
});

test('no override is done on Tasks embedded with a taskSpec', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': runOf({ pipeline: './p.yaml', task: './mine.yaml' }, named),
    'p.yaml': pipelineOf('p', '[{name: x, taskSpec: {steps: [{name: s, image: embedded}]}}]'),
    'mine.yaml': taskOf('x', 'mine'),
  });
  assert.deepEqual(imagesOf(main), { x: 'embedded' });
});
