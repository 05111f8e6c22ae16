import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PipelineSpec, TaskRef } from '../../runtime/tekton/types.ts';
import { filledRef, type KnownOfRun } from '../../runtime/wrap/task-ref.ts';

const spec: PipelineSpec = {
  params: [
    { name: 'revision', default: 'main' },
    { name: 'folder', default: 'tasks/$(params.revision)' },
    { name: 'list', default: ['a', 'b'] },
    { name: 'where', default: { url: 'https://git.test', org: 'team' } },
    { name: 'circle', default: '$(params.circle)' },
    { name: 'needed' },
  ],
};

function filled(ref: TaskRef, run: Partial<KnownOfRun> = {}): TaskRef {
  return filledRef({ name: 'build', taskRef: ref }, ref, spec, { params: [], namespace: 'ci', ...run });
}

test('the name of a Task may be a param, as given or by default', () => {
  assert.deepEqual(filled({ name: '$(params.revision)-build' }), { name: 'main-build' });
  const params = [{ name: 'revision', value: 'v2' }];
  assert.deepEqual(filled({ name: '$(params["revision"])-build' }, { params }), { name: 'v2-build' });
});

test('params of a resolver may be params, one of an array or object, defaults with params in them, and the namespace', () => {
  const values = [
    '$(params.where.url)/x',
    '$(params.list[1])',
    '$(params.folder)/t',
    '$(context.pipelineRun.namespace)',
  ];
  const params = values.map((value, index) => ({ name: `p${index}`, value }));
  const ref = filled({ resolver: 'git', params }, { params: [{ name: 'revision', value: 'v2' }] });
  assert.deepEqual(
    ref.params?.map(({ value }) => value),
    ['https://git.test/x', 'b', 'tasks/v2/t', 'ci'],
  );
});

test('what only the run will know is an error', () => {
  for (const variable of [
    'tasks.first.results.task',
    'context.pipelineRun.name',
    'params.needed',
    'params.none',
    'params.circle',
  ]) {
    assert.throws(
      () => filled({ name: `$(${variable})` }),
      new RegExp(`the task build names its Task with \\$\\(${variable}\\), which only the run will know`),
    );
  }
  const params = [{ name: 'needed', value: '${calls.before.results.task}' }];
  assert.throws(() => filled({ name: '$(params.needed)' }, { params }), /which only the run will know/);
});
