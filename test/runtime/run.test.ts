import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskRuns } from '../../runtime/kube/resource.ts';
import type { ParamType, ParamValue, ResultSpec, TaskRun } from '../../runtime/tekton/types.ts';
import { subpipe } from '../../steps/subpipe/step.ts';
import { makeCluster } from '../support/cluster.ts';
import { addCaller, addPipeline, endRun } from '../support/tekton.ts';

/** `ref('a.status')` → `${calls.a.status}`. */
const ref = (what: string): string => `\${calls.${what}}`;

/** Two calls, of which the second uses what the first one returns. */
const calls = (value: ParamValue): string =>
  JSON.stringify([
    { name: 'first', pipeline: 'giver' },
    { name: 'second', pipeline: 'taker', params: { p: value } },
  ]);

const cases: [what: string, result: Partial<ResultSpec>, given: ParamValue, wanted: ParamType, message: RegExp][] = [
  [
    'an array for a string',
    { value: ['$(tasks.a.results.b)'] },
    ref('first.results.r[*]'),
    'string',
    /the call second of taker does not fit: param p must be a string, but \$\{calls\.first\.results\.r\[\*\]\} is an array\. Nothing was created/,
  ],
  [
    'an object for an array',
    { type: 'object', value: '$(tasks.a.results.b[*])' },
    ref('first.results.r'),
    'array',
    /param p must be an array, but .* is an object/,
  ],
  [
    'a string for an array',
    { type: 'array', value: '$(tasks.a.results.b)' },
    ref('first.results.r'),
    'array',
    /param p must be an array, but .* is a string/,
  ],
  [
    'an element for an array',
    { type: 'array' },
    ref('first.results.r[0]'),
    'array',
    /must be an array, but .* a string/,
  ],
  ['a status for an object', {}, ref('first.status'), 'object', /must be an object, but .* is a string/],
  ['text around an array for an array', { type: 'array' }, `x${ref('first.results.r')}`, 'array', /is a string/],
  [
    'an array around a string for a string',
    {},
    [ref('first.results.r')],
    'string',
    /must be a string, but .* an array/,
  ],
];

for (const [what, result, given, wanted, message] of cases) {
  test(`${what} is refused by the declared type of the result, before anything is created`, async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addPipeline(kube, 'giver', { results: [{ name: 'r', ...result }] });
    addPipeline(kube, 'taker', { params: [{ name: 'p', type: wanted }] });
    const { code, stderr } = await cluster.run(subpipe, [`--calls=${calls(given)}`, '--logs=none']);
    assert.equal(code, 2);
    assert.match(stderr, message);
    assert.equal(cluster.children().length, 0);
  });
}

test('a result of another type than its Pipeline tells of is refused before the child that would get it is created', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'giver', { results: [{ name: 'r', value: '$(tasks.a.results.b[*])' }] });
  addPipeline(kube, 'taker', { params: [{ name: 'p', type: 'string' }] });
  const calling = cluster.run(subpipe, [`--calls=${calls(ref('first.results.r'))}`, '--logs=none']);
  endRun(kube, (await cluster.child(1)).metadata.name, { results: [{ name: 'r', value: ['a', 'b'] }] });
  const { code, stderr, results } = await calling;
  assert.equal(code, 1);
  assert.match(stderr, /second cannot be called, its params do not fit taker: param p must be a string, but is/);
  assert.equal(results.reason, 'WrongParam');
  assert.equal(cluster.children().length, 1);
});

test('types that cannot be known beforehand, and those that fit, are not refused', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'giver', { results: [{ name: 'r', type: 'string', value: '$(tasks.a.results.b[*])' }] });
  addPipeline(kube, 'taker', { params: [{ name: 'p', type: 'array' }] });
  const calling = cluster.run(subpipe, [`--calls=${calls(ref('first.results.r[*]'))}`, '--logs=none']);
  endRun(kube, (await cluster.child(1)).metadata.name, { results: [{ name: 'r', value: ['a', 'b'] }] });
  const second = await cluster.child(2);
  assert.deepEqual(second.spec.params, [{ name: 'p', value: ['a', 'b'] }]);
  endRun(kube, second.metadata.name);
  assert.equal((await calling).code, 0);
});

test("an evicted step's next try goes on with the retries that are left; a retry of Tekton's has all of them", async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const { env } = addCaller(kube);
  const stop = new AbortController();
  const flags = ['--pipeline=plain', '--retries=1', '--logs=none'];
  const first = cluster.run(subpipe, flags, { env, signal: stop.signal });
  endRun(kube, (await cluster.child(1)).metadata.name, { status: 'False' });
  const second = await cluster.child(2);
  await kube.until(() => kube.watching === 2);
  kube.update<TaskRun>(taskRuns, 'main-call', (run) => {
    run.status = { ...run.status, conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'ToBeRetried' }] };
  });
  stop.abort(new Error('stopped by SIGTERM'));
  assert.equal((await first).code, 1);
  await kube.until(() => kube.watching === 0);
  const next = cluster.run(subpipe, flags, { env });
  await kube.until(() => kube.watching === 2);
  endRun(kube, second.metadata.name, { status: 'False' });
  assert.equal((await next).code, 1);
  assert.equal(cluster.children().length, 2);

  const retried = cluster.run(subpipe, flags, { env });
  for (const attempt of [3, 4]) endRun(kube, (await cluster.child(attempt)).metadata.name, { status: 'False' });
  assert.equal((await retried).code, 1);
  assert.equal(cluster.children().length, 4);
});
