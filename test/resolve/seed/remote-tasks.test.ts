import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startArtifactHub, startTektonHub } from '../../fakes/hub.ts';
import { serve } from '../../support/http-server.ts';
import { naming, pipelineOf, runOf, taskOf } from '../support/yaml.ts';
import { failure, imagesOf, runsOf } from './support.ts';

test('if multiple annotations reference the same task name the resolver will pick the first one', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': runOf(
      { 'task-10': './ten.yaml', 'task-2': './two.yaml', 'task-9': './nine.yaml' },
      naming('x'),
    ),
    'ten.yaml': taskOf('x', 'ten'),
    'two.yaml': taskOf('x', 'two'),
    'nine.yaml': taskOf('x', 'nine'),
  });
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'two');
});

test('a reference to a task from a YAML file inside your repository by its relative path', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': runOf({ task: '[share/tasks/x.yaml]' }, naming('x')),
    'share/tasks/x.yaml': taskOf('x', 'shared'),
  });
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'shared');
});

test('if there is any error fetching those resources, it will error out', async () => {
  assert.match(await failure({ '.tekton/run.yaml': runOf({ task: './none.yaml' }, naming('x')) }), /none\.yaml/);
});

test('if the object fetched cannot be parsed as a Tekton Task it will error out', async () => {
  const files = { '.tekton/run.yaml': runOf({ task: './x.yaml' }, naming('x')), 'x.yaml': pipelineOf('x', '[]') };
  assert.match(await failure(files), /must be one Task, but holds Pipeline x/);
});

const catalog = {
  'task/tekton-catalog-tasks/git-clone/0.1.0': taskOf('git-clone', 'clone-0.1'),
  'task/tekton-catalog-tasks/git-clone/0.9.0': taskOf('git-clone', 'clone-0.9'),
  'task/tekton-catalog-tasks/golang-test/0.2.0': taskOf('golang-test', 'golang'),
  'task/tekton-catalog-tasks/tkn/0.4.0': taskOf('tkn', 'tkn'),
};
const three = naming('git-clone', 'golang-test', 'tkn');

test('a PipelineRun that references a remote task or a Pipeline gets them inlined', async () => {
  await using server = await serve((request, response) =>
    response.end(
      request.url === '/p.yaml' ? pipelineOf('p', '[{name: t, taskRef: {name: x}}]') : taskOf('x', 'remote'),
    ),
  );
  const annotations = { pipeline: `${server.url}/p.yaml`, task: `${server.url}/x.yaml` };
  const [main] = await runsOf({ '.tekton/run.yaml': runOf(annotations, '{pipelineRef: {name: p}}') });
  assert.deepEqual(imagesOf(main), { t: 'remote' });
});

test('"git-clone" installs the latest version of the hub, by its API', async () => {
  await using hub = await startArtifactHub(catalog);
  const files = { '.tekton/run.yaml': runOf({ task: 'git-clone' }, naming('git-clone')) };
  const [main] = await runsOf(files, `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { 'git-clone': 'clone-0.9' });
});

test("the tekton hub's own API is spoken to by those who run one", async () => {
  await using hub = await startTektonHub({
    'task/tekton/git-clone/0.1': taskOf('git-clone', 'old'),
    'task/tekton/git-clone/0.2': taskOf('git-clone', 'new'),
  });
  const flag = `--catalogs=default=${hub.url}/v1,type=tektonhub`;
  for (const [word, image] of [
    ['git-clone', 'new'],
    ['git-clone:0.1', 'old'],
  ] as const) {
    const [main] = await runsOf({ '.tekton/run.yaml': runOf({ task: word }, naming('git-clone')) }, flag);
    assert.deepEqual(imagesOf(main), { 'git-clone': image });
  }
});

test('multiple tasks with an array syntax, separated by a comma within brackets', async () => {
  await using hub = await startArtifactHub(catalog);
  const files = { '.tekton/run.yaml': runOf({ task: '[git-clone, golang-test, tkn]' }, three) };
  const [main] = await runsOf(files, `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { 'git-clone': 'clone-0.9', 'golang-test': 'golang', tkn: 'tkn' });
});

test('multiple lines with a -NUMBER suffix', async () => {
  await using hub = await startArtifactHub(catalog);
  const files = { '.tekton/run.yaml': runOf({ task: 'git-clone', 'task-1': 'golang-test', 'task-2': 'tkn' }, three) };
  const [main] = await runsOf(files, `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { 'git-clone': 'clone-0.9', 'golang-test': 'golang', tkn: 'tkn' });
});

test('a specific version of the task is a colon and a version number', async () => {
  await using hub = await startArtifactHub(catalog);
  const files = { '.tekton/run.yaml': runOf({ task: '[git-clone:0.1]' }, naming('git-clone')) };
  const [main] = await runsOf(files, `--catalogs=default=${hub.url}`);
  assert.deepEqual(imagesOf(main), { 'git-clone': 'clone-0.1' });
});

test('"[anothercatalog://curl]" installs curl from the custom catalog', async () => {
  await using hub = await startArtifactHub({ 'task/ours/curl/1.0.0': taskOf('curl', 'custom') });
  const files = { '.tekton/run.yaml': runOf({ task: '[anothercatalog://curl]' }, naming('curl')) };
  const [main] = await runsOf(files, `--catalogs=anothercatalog=${hub.url},id=ours`);
  assert.deepEqual(imagesOf(main), { curl: 'custom' });
});

test('there is no fallback to the default hub if the custom one does not have the task, it will fail', async () => {
  await using default_ = await startArtifactHub({ 'task/tekton-catalog-tasks/curl/1.0.0': taskOf('curl', 'default') });
  await using custom = await startArtifactHub({});
  const files = { '.tekton/run.yaml': runOf({ task: '[anothercatalog://curl]' }, naming('curl')) };
  const flag = `--catalogs=default=${default_.url},anothercatalog=${custom.url}`;
  assert.match(await failure(files, flag), /the catalogue "anothercatalog" .* has no task "curl"/);
  assert.equal(default_.seen.length, 0);
});
