import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDocuments } from '../../runtime/resolve/document.ts';
import { formatRuns } from '../../runtime/resolve/output.ts';
import { resolveRuns } from '../../runtime/resolve/resolve.ts';
import { type Parsed, parsedIn } from './support/parsed.ts';

const header = (kind: string, name: string, version = 'v1beta1') =>
  `apiVersion: tekton.dev/${version}\nkind: ${kind}\nmetadata: {name: ${name}}\n`;
const annotation = 'tekton.dev/v1beta1.task-deprecations';

const objectOf = async (text: string): Promise<Parsed> => (await readDocuments(text, 'a.yaml'))[0]?.object;

/** What Tekton's reconciler sees of a bundle. */
const bundled = (name: string, kind: string) => ({
  resolver: 'bundles',
  params: [
    { name: 'bundle', value: 'reg/x' },
    { name: 'name', value: name },
    { name: 'kind', value: kind },
  ],
});

for (const version of ['v1beta1', 'v1']) {
  test(`a bundle of ${version} becomes the bundles resolver, in a run and in a Pipeline's tasks`, async () => {
    const tasks = '[{name: t, taskRef: {name: x, bundle: reg/x}}]';
    const run = await objectOf(`${header('PipelineRun', 'r', version)}spec: {pipelineRef: {name: p, bundle: reg/x}}\n`);
    assert.deepEqual(run.spec.pipelineRef, bundled('p', 'Pipeline'));
    const pipeline = await objectOf(`${header('Pipeline', 'p', version)}spec: {tasks: ${tasks}, finally: ${tasks}}\n`);
    assert.deepEqual(pipeline.spec.tasks[0].taskRef, bundled('x', 'Task'));
    assert.deepEqual(pipeline.spec.finally[0].taskRef, bundled('x', 'Task'));
    const own = await objectOf(`${header('PipelineRun', 'r', version)}spec: {pipelineSpec: {tasks: ${tasks}}}\n`);
    assert.deepEqual(own.spec.pipelineSpec.tasks[0].taskRef, bundled('x', 'Task'));
  });
}

test("a step's deprecated fields are kept in the annotation that Tekton's own conversion makes", async () => {
  const task = await objectOf(
    `${header('Task', 'x')}spec: {stepTemplate: {name: tpl, image: i}, steps: [{name: a, image: i, tty: true, resources: {limits: {cpu: '1'}}}, {name: b, image: '<i>', ports: [{containerPort: 80}]}]}\n`,
  );
  assert.equal(
    task.metadata.annotations[annotation],
    '{"x":{"deprecatedSteps":[{"name":"","resources":{},"tty":true},{"name":"","ports":[{"containerPort":80}],"resources":{}}],"deprecatedStepTemplate":{"name":"tpl","resources":{}}}}',
  );
  assert.deepEqual(task.spec, {
    stepTemplate: { image: 'i' },
    steps: [
      { name: 'a', image: 'i', computeResources: { limits: { cpu: '1' } } },
      { name: 'b', image: '<i>' },
    ],
  });
  const plain = await objectOf(`${header('Task', 'x')}spec: {steps: [{name: a, image: i}]}\n`);
  assert.equal(plain.metadata.annotations, undefined);
});

test('embedded Tasks keep theirs by the names of the pipeline tasks, and -B puts them back', async () => {
  const text = `${header('PipelineRun', 'r')}spec: {pipelineSpec: {tasks: [{name: t, taskSpec: {steps: [{name: a, image: i, stdin: true}]}}]}}\n`;
  const runs = await resolveRuns(await readDocuments(text, 'r.yaml'), { sources: undefined });
  assert.deepEqual(JSON.parse(runs[0]?.run.metadata.annotations?.[annotation] ?? ''), {
    t: { deprecatedSteps: [{ name: '', resources: {}, stdin: true }] },
  });
  assert.doesNotMatch(formatRuns(runs), /^ +stdin:/m);
  const [back] = await parsedIn(formatRuns(runs, { v1beta1: true }), 'back');
  assert.equal(back.metadata.annotations[annotation], undefined);
  assert.deepEqual(back.spec.pipelineSpec.tasks[0].taskSpec.steps, [{ name: 'a', image: 'i', stdin: true }]);
});
