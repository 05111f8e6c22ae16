import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readDocuments } from '../../runtime/resolve/document.ts';
import { resolveRuns } from '../../runtime/resolve/resolve.ts';
import { parseYamlAll } from '../../runtime/yaml.ts';
import { pacResolve } from '../../steps/pac-resolve/step.ts';
import { makeFolder } from '../support/folder.ts';
import { execute } from '../support/step.ts';

const header = (kind: string, name: string, version = 'v1') =>
  `apiVersion: tekton.dev/${version}\nkind: ${kind}\nmetadata: {name: ${name}}\n`;

test('a v1beta1 PipelineRun becomes one of v1, a bundle a resolver', async () => {
  const [document] = await readDocuments(
    `${header('PipelineRun', 'r', 'v1beta1')}spec: {serviceAccountName: bot, timeout: 1h, pipelineRef: {name: p, bundle: reg/x}}\n`,
    'r.yaml',
  );
  assert.deepEqual(document?.object.spec, {
    timeouts: { pipeline: '1h' },
    taskRunTemplate: { serviceAccountName: 'bot' },
    pipelineRef: {
      resolver: 'bundles',
      params: [
        { name: 'bundle', value: 'reg/x' },
        { name: 'name', value: 'p' },
        { name: 'kind', value: 'Pipeline' },
      ],
    },
  });
});

test('a field that Tekton cannot read is refused with file, document and line', async () => {
  const text = `${header('Task', 'a')}---\n${header('Task', 'b')}spec:\n  steps:\n    - name: s\n      env:\n        - name: A\n          value: 1\n`;
  await assert.rejects(
    readDocuments(text, 't.yaml'),
    /t\.yaml, document 2, line 13: Task spec\.steps\[0\]\.env\[0\]\.value must be a string, but is the number 1: put it in quotes/,
  );
});

test('a shared Pipeline is not changed: a second run does not get the overrides of the first', async () => {
  const documents = await readDocuments(
    [
      `${header('Pipeline', 'p')}spec: {tasks: [{name: t, taskRef: {name: x}}]}\n`,
      `${header('Task', 'x')}spec: {steps: [{name: s, image: i}]}\n`,
      ...['a', 'b'].map((name) => `${header('PipelineRun', name)}spec: {pipelineRef: {name: p}}\n`),
    ].join('---\n'),
    'all.yaml',
  );
  const before = JSON.stringify(documents.map(({ object }) => object));
  const runs = await resolveRuns(documents, { sources: undefined });
  assert.equal(runs.length, 2);
  assert.equal(JSON.stringify(documents.map(({ object }) => object)), before);
});

test('a StepAction of the repository is embedded with its params', async () => {
  const documents = await readDocuments(
    [
      `${header('StepAction', 'say', 'v1beta1')}spec: {image: i, params: [{name: what, default: hi}], script: 'echo $(params.what)'}\n`,
      `${header('Task', 'x')}spec: {steps: [{name: s, ref: {name: say}, params: [{name: what, value: '$(params.text)'}]}]}\n`,
      `${header('PipelineRun', 'r')}spec: {pipelineSpec: {tasks: [{name: t, taskRef: {name: x}}]}}\n`,
    ].join('---\n'),
    'all.yaml',
  );
  const [resolved] = await resolveRuns(documents, { sources: undefined });
  assert.deepEqual(resolved?.run.spec.pipelineSpec?.tasks?.[0]?.taskSpec, {
    steps: [{ name: 's', image: 'i', script: 'echo $(params.text)' }],
  });
});

test('nothing outside of the repository is read: neither by ../ nor by a link', async () => {
  await using folder = await makeFolder({ 'repo/.tekton/keep.md': '', 'out.yaml': `${header('Task', 'x')}spec: {}\n` });
  const repo = path.join(folder.path, 'repo');
  await symlink('../out.yaml', path.join(repo, 'link.yaml'));
  for (const word of ['../out.yaml', './link.yaml', '/etc/passwd']) {
    await folder.write(
      'repo/.tekton/run.yaml',
      `apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r, annotations: {pipelinesascode.tekton.dev/task: ${word}}}\nspec: {pipelineSpec: {tasks: []}}\n`,
    );
    const { code, stderr } = await execute(pacResolve, [`--source=${repo}`]);
    assert.equal(code, 1, word);
    assert.match(stderr, /leads out of the repository|is absolute/, word);
  }
});

test('-p keeps all after the first =, and refuses a word without one', async () => {
  await using folder = await makeFolder({
    '.tekton/run.yaml': `${header('PipelineRun', 'r')}spec: {pipelineSpec: {}, params: [{name: a, value: '{{ x }}'}]}\n`,
  });
  const source = `--source=${folder.path}`;
  const { stdout } = await execute(pacResolve, [source, '-f', '.tekton', '-p', 'x=a=b=c,y=1']);
  assert.match(stdout, /value: a=b=c\n/);
  const { code, stderr } = await execute(pacResolve, [source, '-px']);
  assert.equal(code, 1);
  assert.match(stderr, /^Error: -p must be name=value, but is "x"/);
});

test('values that look like something else stay text when the result is read', async () => {
  const values = ['yes', 'n', '010', '1_000', '1e3', '0x1F', '12:30:45', '~', 'null', '2001-01-01', ''];
  await using folder = await makeFolder({
    '.tekton/run.json.yaml': JSON.stringify({
      apiVersion: 'tekton.dev/v1',
      kind: 'PipelineRun',
      metadata: { name: 'r' },
      spec: { pipelineSpec: {}, params: [{ name: 'all', value: values }] },
    }),
  });
  const { stdout } = await execute(pacResolve, [`--source=${folder.path}`]);
  const [run] = (await parseYamlAll(stdout, 'stdout')) as { spec: { params: { value: string[] }[] } }[];
  assert.deepEqual(run?.spec.params[0]?.value, values);
});
