import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { parseYamlAll } from '../../runtime/yaml.ts';
import { pacResolve } from '../../steps/pac-resolve/step.ts';
import { startArtifactHub } from '../fakes/hub.ts';
import { makeFolder } from '../support/folder.ts';
import { serve } from '../support/http-server.ts';
import { root, yamlBlocksOf } from '../support/markdown.ts';
import { execute } from '../support/step.ts';

const page = 'docs/from-tkn-pac-resolve.md';
const [forms, shared, pipeline] = (await yamlBlocksOf(page)).map(({ text }) => text);
if (forms === undefined || shared === undefined || pipeline === undefined) throw new Error(`${page} has three blocks`);

/** A Task that says where it is from. */
const task = (name: string, from: string): string =>
  `apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: ${name}}\nspec: {params: [{name: revision, default: ''}], steps: [{name: s, image: ${from}}]}\n`;

/** A world in which the page's addresses are servers of the test. */
async function world() {
  const hub = await startArtifactHub({
    'task/tekton-catalog-tasks/git-clone/0.9.0': task('git-clone', 'hub-0.9.0'),
    'task/tekton-catalog-tasks/git-clone/0.10.0': task('git-clone', 'hub-0.10.0'),
    'task/tekton-catalog-tasks/golang-test/0.2.0': task('golang-test', 'hub-0.2.0'),
    'task/tekton-catalog-tasks/golang-test/0.3.0': task('golang-test', 'hub-0.3.0'),
  });
  const mine = await startArtifactHub({ 'task/tekton-catalog-tasks/curl/1.0.0': task('curl', 'mine') });
  const files: Record<string, string> = {
    '/acme/tasks/raw/branch/main/sign.yaml': task('sign', 'url'),
    '/acme/pipelines/raw/branch/main/build.yaml': pipeline ?? '',
    '/acme/pipelines/raw/branch/main/compile.yaml': task('compile', 'beside'),
  };
  const server = await serve((request, response) => {
    const text = files[request.url ?? ''];
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  return {
    hub,
    here: (text: string) => text.replaceAll('https://git.example.com', server.url),
    flags: ['--catalogs', `default=${hub.url},mine=${mine.url}`, '-p', 'revision=main'],
    async [Symbol.asyncDispose]() {
      await Promise.all([hub, mine, server].map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

/** The image of each Task of the resolved run. */
async function imagesOf(yaml: string, files: Record<string, string>, flags: readonly string[]) {
  await using folder = await makeFolder({ '.tekton/run.yaml': yaml, ...files });
  const { code, stdout, stderr } = await execute(pacResolve, [`--source=${folder.path}`, '--validate', ...flags]);
  assert.equal(code, 0, stderr);
  const [run] = await parseYamlAll(stdout, 'stdout');
  const { tasks } = (run as { spec: { pipelineSpec: { tasks: Resolved[] } } }).spec.pipelineSpec;
  return Object.fromEntries(tasks.map(({ name, taskSpec }) => [name, taskSpec.steps[0]?.image]));
}

interface Resolved {
  name: string;
  taskSpec: { steps: { image: string }[] };
}

test('each form of annotation on the page leads to what it says', async () => {
  await using all = await world();
  const tests = await readFile(path.join(root, 'examples/pac-repo/ci/unit-tests.yaml'), 'utf8');
  assert.deepEqual(await imagesOf(all.here(forms), { 'ci/unit-tests.yaml': tests }, all.flags), {
    fetch: 'hub-0.10.0',
    go: 'hub-0.2.0',
    ping: 'mine',
    sign: 'url',
    'unit-tests': 'docker.io/library/busybox:1.36',
  });
});

test('the PipelineRun of the page replaces a Task of the shared Pipeline', async () => {
  await using all = await world();
  const files = { 'my-git-clone-task.yaml': task('git-clone', 'own') };
  assert.deepEqual(await imagesOf(all.here(shared), files, all.flags), { fetch: 'own', compile: 'beside' });
});
