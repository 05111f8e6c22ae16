import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subpipeTrigger } from '../../steps/subpipe-trigger/step.ts';
import { makeCluster } from '../support/cluster.ts';
import { addCaller, addPipeline, endRun } from '../support/tekton.ts';

test('a Pipeline is started and not waited for', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'tests', { params: [{ name: 'image' }] });
  const { env } = addCaller(cluster.kube);
  const { code, stderr, results } = await cluster.run(subpipeTrigger, ['--pipeline=tests', '--', 'image=x'], { env });
  assert.equal(code, 0, stderr);
  const name = (await cluster.child(1)).metadata.name;
  assert.deepEqual(results, { run: name, runs: JSON.stringify([name]) });
  assert.match(stderr, new RegExp(`PipelineRun ${name} of tests created\\n`));
  assert.equal(cluster.kube.count({ verb: 'watch' }), 0);
  assert.equal(cluster.kube.requests.length, 4);
});

test('several are started at once', async () => {
  await using cluster = await makeCluster();
  for (const name of ['a', 'b']) addPipeline(cluster.kube, name);
  const { code, results } = await cluster.run(subpipeTrigger, [
    '--calls=[{name: a, pipeline: a}, {name: b, pipeline: b}]',
  ]);
  assert.equal(code, 0);
  assert.equal(JSON.parse(results.runs ?? '').length, 2);
  assert.equal(JSON.parse(results.runs ?? '')[0], results.run);
});

test('run again by the same TaskRun it finds the run of the first try, and makes a new one where that failed', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'tests');
  const { env } = addCaller(cluster.kube);
  const start = () => cluster.run(subpipeTrigger, ['--pipeline=tests'], { env });
  const [first, second] = [await start(), await start()];
  assert.equal(first.results.run, second.results.run);
  assert.match(second.stderr, /adopted, an earlier try made it/);
  endRun(cluster.kube, first.results.run ?? '', { status: 'False' });
  assert.equal((await start()).results.run, `${first.results.run}-r1`);
});

test('two TaskRuns make two runs', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'tests');
  const names = [];
  for (const _ of [1, 2]) names.push((await cluster.run(subpipeTrigger, ['--pipeline=tests'])).results.run);
  assert.notEqual(names[0], names[1]);
});

test('calls that wait for each other are refused before anything is made', async () => {
  await using cluster = await makeCluster();
  for (const name of ['a', 'b']) addPipeline(cluster.kube, name);
  const calls = '--calls=[{name: a, pipeline: a}, {name: b, pipeline: b, runAfter: [a]}]';
  const { code, stderr } = await cluster.run(subpipeTrigger, [calls]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /the call b comes after another, but subpipe-trigger waits for none\. Use the Task subpipe, which does\./,
  );
  assert.equal(cluster.kube.count({ verb: 'create' }), 0);
});
