import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apply } from './support/apply.ts';
import { testNamespace } from './support/namespace.ts';
import { atTheEnd, call, parent, show, when } from './support/pipelines.ts';
import { largePipeline, testsPipeline, testsResults } from './support/reports.ts';
import { childrenOf, logOf, resultsOf, run, verdict } from './support/runs.ts';

describe("a child's results", { concurrency: 3 }, () => {
  it('reach later tasks, when expressions and finally tasks of the parent through the Task subpipe', async (t) => {
    const namespace = await testNamespace(t, 'results');
    await apply(namespace, testsPipeline);
    const [status, reason] = ['$(tasks.call.results.status)', '$(tasks.call.results.reason)'];
    const target = { region: 'us', zone: 'b' };
    const done = await run(
      namespace,
      parent(
        [
          call('call', { pipeline: 'tests', image: 'app', suites: ['unit', 'e2e'], target }),
          when(show('later', { results: '$(tasks.call.results.results)' }), status, 'Succeeded'),
          when(show('never', { why: 'its when is false' }), status, 'Failed'),
        ].join('\n'),
        atTheEnd(show('report', { status, reason })),
      ),
    );
    assert.equal(verdict(done), 'True Completed', 'Completed: one task was skipped');
    const results = JSON.parse(String((await resultsOf(namespace, 'main', 'call')).results));
    assert.deepEqual(results, testsResults);
    assert.match(await logOf(namespace, 'main', 'later'), /results=\{.*"passed":"2"/);
    assert.match(await logOf(namespace, 'main', 'report'), /status=Succeeded reason=Succeeded/);
    assert.match(await logOf(namespace, 'main', 'call'), /\[call\/unit\/run\] testing app in us: unit e2e/);
  });

  it('are refused with their names and sizes where they do not fit into the termination message', async (t) => {
    const namespace = await testNamespace(t, 'large');
    await apply(namespace, largePipeline);
    const done = await run(namespace, parent(call('call', { pipeline: 'large' })));
    assert.equal(verdict(done), 'False Failed');
    assert.match(
      await logOf(namespace, 'main', 'call'),
      /the results take \d+ bytes, but .* holds 4096: results \(\d+ bytes\).*sidecar-logs/,
    );
    assert.deepEqual(await resultsOf(namespace, 'main', 'call'), {}, 'nothing is cut: no result is written');
  });

  it('have the less room the more containers share the termination messages of the pod', async (t) => {
    const namespace = await testNamespace(t, 'share');
    await apply(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: sized}
spec:
  params: [{name: bytes}]
  results: [{name: text, value: $(tasks.fill.results.text)}]
  tasks:
  - name: fill
    params: [{name: bytes, value: $(params.bytes)}]
    taskSpec:
      params: [{name: bytes}]
      results: [{name: text}]
      steps: [{name: run, image: SHELL_IMAGE, command: [sh, -c, "head -c $(params.bytes) /dev/zero | tr '\\\\0' x > $(results.text.path)"]}]
`,
    );
    // Five steps and Tekton's own container: each has 12288 / 6 bytes.
    const other = (name: string): string => `{name: ${name}, image: SHELL_IMAGE, command: ["true"]}`;
    const task = (name: string, bytes: number): string => `
- name: ${name}
  onError: continue
  taskSpec:
    results: [{name: said, value: $(steps.call.results.results)}]
    steps:
    - ${other('one')}
    - ${other('two')}
    - name: call
      ref: {name: subpipe}
      params: [{name: pipeline, value: sized}, {name: params, value: [bytes=${bytes}]}]
    - ${other('three')}
    - ${other('four')}`;
    await run(namespace, parent(`${task('fits', 1200)}${task('large', 2200)}`));
    assert.match(
      await logOf(namespace, 'main', 'large'),
      /the results take \d+ bytes, but the container's termination message holds 2048: results \(\d+ bytes\).*12288/s,
    );
    assert.deepEqual(await resultsOf(namespace, 'main', 'large'), {}, 'nothing is cut: no result is written');
    const { said } = await resultsOf(namespace, 'main', 'fits');
    assert.deepEqual(JSON.parse(String(said)), { text: 'x'.repeat(1200) });
  });

  it('are aggregated over a matrix of calls', async (t) => {
    const namespace = await testNamespace(t, 'matrix');
    await apply(namespace, testsPipeline);
    const images = ['one', 'two', 'three'];
    const matrix = `matrix: {params: [{name: image, value: [${images.join(', ')}]}]}\n`;
    const after = `
- name: after
  params: [{name: each, value: ["$(tasks.call.results.results[*])"]}]
  taskSpec:
    params: [{name: each, type: array}]
    steps: [{name: show, image: SHELL_IMAGE, command: [echo], args: ["$(params.each[*])"]}]`;
    const done = await run(
      namespace,
      parent(
        `${call('call', { pipeline: 'tests' }, matrix)}${after}`,
        '    results: [{name: all, type: array, value: "$(tasks.call.results.status[*])"}]',
      ),
    );
    assert.equal(verdict(done), 'True Succeeded');
    assert.equal((await childrenOf(namespace, 'main')).length, 3);
    const log = await logOf(namespace, 'main', 'after');
    for (const image of images) assert.match(log, new RegExp(`https://reports.example/${image}`));
    assert.deepEqual(done.status?.results?.[0]?.value, ['Succeeded', 'Succeeded', 'Succeeded']);
  });
});
