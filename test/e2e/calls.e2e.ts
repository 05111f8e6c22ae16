import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pods } from '../../runtime/kube/resource.ts';
import { apply } from './support/apply.ts';
import { kube } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent } from './support/pipelines.ts';
import { childrenOf, logOf, podLog, resultsOf, run, taskRunOf, verdict } from './support/runs.ts';

/** Says what it was given, and gives it back in a result of each type. */
const echo = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: echo}
spec:
  params:
  - {name: word, default: hello}
  - {name: words, type: array, default: []}
  results:
  - {name: word, value: $(tasks.say.results.word)}
  - {name: words, type: array, value: "$(tasks.say.results.words[*])"}
  - {name: untyped, value: "$(tasks.say.results.words[*])"}
  tasks:
  - name: say
    params: [{name: word, value: $(params.word)}, {name: words, value: ["$(params.words[*])"]}]
    taskSpec:
      params: [{name: word}, {name: words, type: array}]
      results: [{name: word}, {name: words, type: array}]
      steps:
      - name: run
        image: SHELL_IMAGE
        args: ["$(params.words[*])"]
        command:
        - sh
        - -c
        - 'echo "word $(params.word) words $*"; printf "%s" "$(params.word)" > $(results.word.path); printf "[\\"%s\\",\\"x\\"]" "$(params.word)" > $(results.words.path)'
        - sh
`;

describe('many calls from one Task', { concurrency: 2 }, () => {
  it("run by runAfter and each other's results, all in one pod", async (t) => {
    const namespace = await testNamespace(t, 'calls');
    await apply(namespace, echo);
    const calls = `
- {name: one, pipeline: echo, params: {word: first}}
- {name: two, pipeline: echo, runAfter: [one], params: [{name: word, value: second}]}
- name: three
  pipeline: echo
  params: {word: "\${calls.one.results.word}-\${calls.two.status}", words: ["\${calls.two.results.words[*]}", "\${calls.one.results.words[0]}"]}
`;
    const done = await run(namespace, parent(call('call', { calls })));
    assert.equal(verdict(done), 'True Succeeded');
    const { statuses, results } = await resultsOf(namespace, 'main', 'call');
    assert.deepEqual(JSON.parse(String(statuses)), { one: 'Succeeded', two: 'Succeeded', three: 'Succeeded' });
    assert.equal(JSON.parse(String(results)).three.word, 'first-Succeeded');
    const log = await logOf(namespace, 'main', 'call');
    assert.match(log, /\[three\/say\/run\] word first-Succeeded words second x first/);
    const { items } = await kube.list(pods, namespace, { labelSelector: 'tekton.dev/pipelineRun=main' });
    assert.equal(items.length, 1, 'one pod for all calls');
    const [one, two] = await childrenOf(namespace, 'main');
    assert.ok(
      (two?.status?.startTime ?? '') >= (one?.status?.completionTime ?? 'never'),
      'two starts after one has ended',
    );
  });

  it('are all checked before the first is made: results that there are not, values of the wrong type', async (t) => {
    const namespace = await testNamespace(t, 'callcheck');
    await apply(namespace, echo);
    const task = (name: string, word: string): string => {
      const calls = JSON.stringify([
        { name: 'one', pipeline: 'echo' },
        { name: 'two', pipeline: 'echo', params: { word } },
      ]);
      return call(name, { calls }, 'onError: continue\n');
    };
    const tasks = [
      task('absent', '${calls.one.results.colour}'),
      task('array', '${calls.one.results.words[*]}'),
      // Only the value says that it is an array: the child that gives it is made, the one that gets it is not.
      task('late', '${calls.one.results.untyped}'),
    ];
    await run(namespace, parent(tasks.join('\n')));
    const log = (name: string): Promise<string> => logOf(namespace, 'main', name);
    assert.match(await log('absent'), /two uses \$\{calls.one.results.colour\}, but one has word, words, untyped/);
    assert.match(
      await log('array'),
      /two of echo does not fit: param word must be a string, but \$\{calls.one.results.words\[\*\]\} is an array/,
    );
    assert.match(
      await log('late'),
      /two cannot be called, its params do not fit echo: param word must be a string, but is /,
    );
    assert.deepEqual(
      (await childrenOf(namespace, 'main')).map(({ metadata }) => [
        metadata.labels?.['subpipe.dev/caller'],
        metadata.labels?.['subpipe.dev/call'],
      ]),
      [['main-late', 'one']],
    );
  });
});

describe('the StepActions', { concurrency: 2 }, () => {
  it('call a Pipeline as a step of a Task that is there anyway', async (t) => {
    const namespace = await testNamespace(t, 'stepaction');
    await apply(namespace, echo);
    const done = await run(
      namespace,
      parent(`
- name: build
  taskSpec:
    results: [{name: said, value: $(steps.call.results.results)}]
    steps:
    - {name: compile, image: SHELL_IMAGE, command: [echo, compiled]}
    - name: call
      ref: {name: subpipe}
      params: [{name: pipeline, value: echo}, {name: params, value: [word=stepped, 'words=["a b","--logs=none"]']}]
    - {name: pack, image: SHELL_IMAGE, command: [echo, "packed $(steps.call.results.status)"]}
`),
    );
    assert.equal(verdict(done), 'True Succeeded');
    const log = await logOf(namespace, 'main', 'build');
    assert.match(log, /compiled[\s\S]*\[build\/say\/run\] word stepped words a b --logs=none[\s\S]*packed Succeeded/);
    assert.equal(JSON.parse(String((await resultsOf(namespace, 'main', 'build')).said)).word, 'stepped');
    const { items } = await kube.list(pods, namespace, { labelSelector: 'tekton.dev/pipelineRun=main' });
    assert.equal(items.length, 1, 'no pod of its own');
  });

  it('trigger in one Task and wait in another', async (t) => {
    const namespace = await testNamespace(t, 'twotasks');
    await apply(namespace, echo);
    const done = await run(
      namespace,
      parent(`
- name: trigger
  taskRef: {name: subpipe-trigger}
  params:
  - name: calls
    value: "[{name: a, pipeline: echo, params: {word: left}}, {name: b, pipeline: echo, params: {word: right}}]"
- name: wait
  taskRef: {name: subpipe-wait}
  params: [{name: runs, value: ["$(tasks.trigger.results.runs[*])"]}]
`),
    );
    assert.equal(verdict(done), 'True Succeeded');
    const { runs } = await resultsOf(namespace, 'main', 'trigger');
    assert.ok(Array.isArray(runs) && runs.length === 2);
    const results = JSON.parse(String((await resultsOf(namespace, 'main', 'wait')).results));
    assert.deepEqual(
      Object.values(results).map((one) => (one as { word: string }).word),
      ['left', 'right'],
    );
    assert.match(await podLog(namespace, await taskRunOf(namespace, 'main', 'wait')), /\[.*\/say\/run\] word right/);
  });
});
