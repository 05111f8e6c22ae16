import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAcyclic } from '../../runtime/tekton/dag.ts';
import { type InlineTask, inlineTasks, localName } from '../../runtime/tekton/inline.ts';
import type { PipelineTask } from '../../runtime/tekton/types.ts';

const graph = (edges: Record<string, string[]>): Map<string, Set<string>> =>
  new Map(Object.entries(edges).map(([node, before]) => [node, new Set(before)]));

test('a graph without a circle is accepted, diamonds too', () => {
  checkAcyclic(graph({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }), 'call');
  checkAcyclic(graph({}), 'call');
});

test('a circle is refused, and only the circle is shown', () => {
  assert.throws(
    () => checkAcyclic(graph({ start: ['a'], a: ['b'], b: ['c'], c: ['a'] }), 'call'),
    /^SubpipeError: the calls wait for each other in a circle: a → b → c → a$/,
  );
  assert.throws(() => checkAcyclic(graph({ a: ['a'] }), 'task'), /the tasks wait for each other in a circle: a → a$/);
});

test('a node that is not there is named, with the one that wants it', () => {
  assert.throws(
    () => checkAcyclic(graph({ a: ['ghost'] }), 'call'),
    /the call a comes after ghost, but there is no such call/,
  );
});

const found: InlineTask = { spec: { steps: [{ image: 'x' }] }, labels: { team: 'ci' }, annotations: undefined };
const find = async ({ taskRef }: PipelineTask): Promise<InlineTask | undefined> =>
  localName(taskRef) === 'unit' ? found : undefined;
const one = async (task: Omit<PipelineTask, 'name'>): Promise<PipelineTask | undefined> =>
  (await inlineTasks({ tasks: [{ name: 't', ...task }] }, find)).tasks?.[0];

test('a Task that is found is embedded with its labels; the rest of the pipeline task stays', async () => {
  assert.deepEqual(await one({ taskRef: { name: 'unit' }, runAfter: ['x'], retries: 2 }), {
    name: 't',
    runAfter: ['x'],
    retries: 2,
    taskSpec: { steps: [{ image: 'x' }], metadata: { labels: { team: 'ci' } } },
  });
  assert.deepEqual((await one({ taskRef: { name: 'unit', kind: 'Task', apiVersion: 'tekton.dev/v1' } }))?.taskSpec, {
    steps: [{ image: 'x' }],
    metadata: { labels: { team: 'ci' } },
  });
});

test('finally tasks are embedded as well', async () => {
  const spec = await inlineTasks({ tasks: [], finally: [{ name: 'f', taskRef: { name: 'unit' } }] }, find);
  assert.equal(spec.finally?.[0]?.taskRef, undefined);
  assert.deepEqual(spec.finally?.[0]?.taskSpec?.steps, [{ image: 'x' }]);
});

for (const taskRef of [
  { name: 'other' },
  { resolver: 'git', name: 'unit' },
  { name: 'unit', bundle: 'registry/bundle' },
  { name: 'unit', kind: 'ClusterTask' },
  { name: 'unit', kind: 'Task', apiVersion: 'example.dev/v1' },
]) {
  test(`a reference to something else stays: ${JSON.stringify(taskRef)}`, async () => {
    assert.deepEqual(await one({ taskRef }), { name: 't', taskRef });
  });
}

test('a task that is embedded already stays, and a spec without tasks is no problem', async () => {
  assert.deepEqual(await one({ taskSpec: { steps: [] } }), { name: 't', taskSpec: { steps: [] } });
  assert.deepEqual(await inlineTasks({ params: [{ name: 'p' }] }, find), { params: [{ name: 'p' }] });
});
