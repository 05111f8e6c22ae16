import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apply } from './support/apply.ts';
import { testNamespace } from './support/namespace.ts';
import { parent } from './support/pipelines.ts';
import { childrenOf, logOf, resultsOf, run, verdict } from './support/runs.ts';

/** A Pipeline with a result of each type. */
const child = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: tests}
spec:
  params:
  - {name: image, type: string}
  - {name: suites, type: array, default: [unit]}
  - {name: target, type: object, properties: {region: {}, zone: {}}, default: {region: eu, zone: a}}
  results:
  - {name: url, value: $(tasks.unit.results.url)}
  - {name: reports, type: array, value: "$(tasks.unit.results.reports[*])"}
  - {name: totals, type: object, value: "$(tasks.unit.results.totals[*])"}
  tasks:
  - name: unit
    params:
    - {name: image, value: $(params.image)}
    - {name: suites, value: ["$(params.suites[*])"]}
    - {name: where, value: "$(params.target.region)-$(params.target.zone)"}
    taskSpec:
      params: [{name: image}, {name: suites, type: array}, {name: where}]
      results:
      - {name: url}
      - {name: reports, type: array}
      - {name: totals, type: object, properties: {passed: {}, failed: {}}}
      steps:
      - name: run
        image: SHELL_IMAGE
        args: ["$(params.suites[*])"]
        command:
        - sh
        - -c
        - |
          echo "testing $(params.image) in $(params.where): $*"
          printf 'https://reports.example/%s' "$(params.image)" > $(results.url.path)
          printf '["a.xml","b.xml"]' > $(results.reports.path)
          printf '{"passed":"%s","failed":"0"}' "$#" > $(results.totals.path)
        - sh
`;

describe("a child's results", { concurrency: 3 }, () => {
  it('reach later tasks, when expressions and finally tasks of the parent through the Task subpipe', async (t) => {
    const namespace = await testNamespace(t, 'results');
    await apply(namespace, child);
    const done = await run(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec:
  taskRunTemplate: {serviceAccountName: subpipe}
  pipelineSpec:
    tasks:
    - name: call
      taskRef: {name: subpipe}
      params:
      - {name: pipeline, value: tests}
      - {name: image, value: app}
      - {name: suites, value: [unit, e2e]}
      - {name: target, value: {region: us, zone: b}}
    - name: later
      when: [{input: $(tasks.call.results.status), operator: in, values: [Succeeded]}]
      params: [{name: results, value: $(tasks.call.results.results)}]
      taskSpec:
        params: [{name: results}]
        steps:
        - {name: show, image: SHELL_IMAGE, command: [echo, "later saw $(params.results)"]}
    - name: never
      when: [{input: $(tasks.call.results.status), operator: in, values: [Failed]}]
      taskSpec: {steps: [{name: show, image: SHELL_IMAGE, command: ["false"]}]}
    finally:
    - name: report
      params: [{name: status, value: $(tasks.call.results.status)}, {name: reason, value: $(tasks.call.results.reason)}]
      taskSpec:
        params: [{name: status}, {name: reason}]
        steps:
        - {name: show, image: SHELL_IMAGE, command: [echo, "finally saw $(params.status) $(params.reason)"]}
`,
    );
    assert.equal(verdict(done), 'True Completed');
    const results = JSON.parse(String((await resultsOf(namespace, 'main', 'call')).results));
    assert.deepEqual(results, {
      url: 'https://reports.example/app',
      reports: ['a.xml', 'b.xml'],
      totals: { passed: '2', failed: '0' },
    });
    assert.match(await logOf(namespace, 'main', 'later'), /later saw \{.*"passed":"2"/);
    assert.match(await logOf(namespace, 'main', 'report'), /finally saw Succeeded Succeeded/);
    assert.match(await logOf(namespace, 'main', 'call'), /\[call\/unit\/run\] testing app in us-b: unit e2e/);
  });

  it('are refused with their names and sizes where they do not fit into the termination message', async (t) => {
    const namespace = await testNamespace(t, 'large');
    await apply(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: large}
spec:
  results: [{name: first, value: $(tasks.a.results.text)}, {name: second, value: $(tasks.b.results.text)}]
  tasks:
  - name: a
    taskSpec: &task
      results: [{name: text}]
      steps: [{name: run, image: SHELL_IMAGE, command: [sh, -c, "head -c 2500 /dev/zero | tr '\\\\0' x > $(results.text.path)"]}]
  - name: b
    taskSpec: *task
`,
    );
    const done = await run(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec:
  taskRunTemplate: {serviceAccountName: subpipe}
  pipelineSpec:
    tasks:
    - {name: call, taskRef: {name: subpipe}, params: [{name: pipeline, value: large}]}
`,
    );
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
    await apply(namespace, child);
    const done = await run(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec:
  taskRunTemplate: {serviceAccountName: subpipe}
  pipelineSpec:
    results:
    - {name: all, type: array, value: "$(tasks.call.results.status[*])"}
    tasks:
    - name: call
      taskRef: {name: subpipe}
      params: [{name: pipeline, value: tests}]
      matrix:
        params: [{name: image, value: [one, two, three]}]
    - name: after
      params: [{name: each, value: ["$(tasks.call.results.results[*])"]}]
      taskSpec:
        params: [{name: each, type: array}]
        steps: [{name: show, image: SHELL_IMAGE, command: [echo], args: ["$(params.each[*])"]}]
`,
    );
    assert.equal(verdict(done), 'True Succeeded');
    assert.equal((await childrenOf(namespace, 'main')).length, 3);
    const log = await logOf(namespace, 'main', 'after');
    for (const image of ['one', 'two', 'three']) assert.match(log, new RegExp(`https://reports.example/${image}`));
    assert.deepEqual(done.status?.results?.[0]?.value, ['Succeeded', 'Succeeded', 'Succeeded']);
  });
});
