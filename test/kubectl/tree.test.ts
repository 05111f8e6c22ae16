import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergePrefixes } from '../../kubectl/run/log.ts';
import { changesOf, renderTree } from '../../kubectl/run/render.ts';
import { Screen } from '../../kubectl/run/screen.ts';
import type { State } from '../../kubectl/run/state.ts';
import { summaryOf } from '../../kubectl/run/summary.ts';
import { RunTree } from '../../kubectl/run/tree.ts';
import type { Condition, PipelineRun, TaskRun } from '../../runtime/tekton/types.ts';

const at = (seconds: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000).toISOString();
const now = Date.parse(at(60));

function status(from: number, to: number | undefined, verdict: Condition['status'], reason: string) {
  const conditions: Condition[] = [{ type: 'Succeeded', status: verdict, reason, message: `it is ${reason}` }];
  return { startTime: at(from), ...(to === undefined ? {} : { completionTime: at(to) }), conditions };
}

function runOf(
  name: string,
  pipeline: string,
  tasks: string[],
  state: ReturnType<typeof status>,
  caller?: string,
): PipelineRun {
  const labels = caller === undefined ? {} : { 'subpipe.dev/call': pipeline, 'subpipe.dev/caller-uid': caller };
  return {
    metadata: { name, namespace: 'ci', uid: name, labels },
    spec: { pipelineRef: { name: pipeline } },
    status: { ...state, pipelineSpec: { tasks: tasks.map((task) => ({ name: task })) } },
  };
}

function taskOf(run: string, task: string, state: ReturnType<typeof status>, more: TaskRun['status'] = {}): TaskRun {
  const labels = { 'tekton.dev/pipelineRun': run, 'tekton.dev/pipelineTask': task };
  return {
    metadata: { name: `${run}-${task}`, namespace: 'ci', uid: `${run}/${task}`, labels },
    spec: {},
    status: { ...state, ...more },
  };
}

/** main runs: build is done, tests has called a run that has called another, deploy waits. */
function example(): RunTree {
  const tree = new RunTree(
    runOf('main-1', 'main', ['build', 'tests', 'deploy'], status(0, undefined, 'Unknown', 'Running')),
    'main',
  );
  tree.putTaskRun(taskOf('main-1', 'build', status(0, 4, 'True', 'Succeeded')));
  tree.putTaskRun(taskOf('main-1', 'tests', status(5, undefined, 'Unknown', 'Running')));
  tree.putRun(runOf('child', 'tests', ['unit'], status(8, undefined, 'Unknown', 'Running'), 'main-1/tests'));
  tree.putTaskRun(taskOf('child', 'unit', status(9, 20, 'False', 'Failed'), { retriesStatus: [{}, {}] }));
  tree.putRun(runOf('grandchild', 'suite', [], status(10, 15, 'False', 'Cancelled'), 'child/unit'));
  tree.putRun(runOf('stranger', 'other', [], status(10, 15, 'True', 'Succeeded'), 'somebody/else'));
  return tree;
}

describe('the tree of runs', () => {
  it('has called runs below the tasks that have called them, at any depth', () => {
    const lines = renderTree(example().root(now)).map((line) => line.replaceAll(/ {2,}(?=\S)(?![└├])/g, '  '));
    assert.deepEqual(lines, [
      '● main-1 (main)  running  1m0s',
      '├─ ✓ build  succeeded  4s',
      '├─ ● tests  running  55s',
      '│  └─ ● child (tests)  running  52s',
      '│     └─ ✗ unit  failed  11s  2 retries',
      '│        └─ ⊘ grandchild (suite)  cancelled  5s',
      '└─ ○ deploy  waiting',
    ]);
  });

  it('calls its paths as log lines do: by task, and by call where a task has several', () => {
    const paths = example()
      .runs()
      .map(({ path }) => path);
    assert.deepEqual(paths, ['main', 'main/tests', 'main/tests/unit/suite']);
  });

  it('folds what has ended well where there is little place', () => {
    const tree = example();
    tree.putRun(runOf('child', 'tests', ['unit'], status(8, 20, 'True', 'Succeeded'), 'main-1/tests'));
    assert.equal(renderTree(tree.root(now), { folded: true }).length, 5);
    assert.equal(renderTree(tree.root(now)).length, 7);
  });

  it('shows tasks that a finished run never began as skipped', () => {
    const tree = new RunTree(runOf('main-1', 'main', ['build'], status(0, 5, 'False', 'Failed')), 'main');
    assert.match(renderTree(tree.root(now))[1] ?? '', /└─ – build +skipped/);
  });

  it('is a log of its changes, each told once', () => {
    const tree = example();
    const before = new Map<string, State>();
    const first = changesOf(tree.root(now), before);
    assert.ok(first.includes('● main: PipelineRun main-1 running'));
    assert.ok(first.includes('✓ main/build succeeded in 4s'));
    assert.ok(first.includes('✗ main/tests/unit failed in 11s'));
    assert.ok(!first.some((line) => line.includes('deploy')), 'a task that waits is no news');
    assert.deepEqual(changesOf(tree.root(now), before), []);
    tree.putTaskRun(taskOf('main-1', 'deploy', status(30, undefined, 'Unknown', 'Running')));
    assert.deepEqual(changesOf(tree.root(now), before), ['● main/deploy running']);
  });

  it('ends with a table of runs, why they failed, and what the first returned', () => {
    const tree = example();
    const main = runOf('main-1', 'main', ['build', 'never'], status(0, 40, 'False', 'Failed'));
    const results = [
      { name: 'url', value: 'https://example.com' },
      { name: 'all', value: ['a', 'b'] },
    ];
    tree.putRun({ ...main, status: { ...main.status, results } });
    const [head, first, ...rest] = summaryOf(tree.runs());
    assert.match(head ?? '', /^RUN +PIPELINE +PIPELINERUN +STATUS +TASKS +DURATION$/);
    assert.match(first ?? '', /^main +main +main-1 +failed +1 of 1, 1 skipped +40s$/);
    assert.ok(rest.includes('main-1: Failed: it is Failed'), rest.join('\n'));
    assert.match(rest.at(-1) ?? '', /^all +\["a","b"\]$/);
  });
});

describe("a called Pipeline's log line", () => {
  it('gets one prefix, the path in the tree', () => {
    const cases: [string, string, string, string][] = [
      ['main/tests/subpipe', '[tests/unit/run] hello', 'main/tests/unit/run', 'hello'],
      ['main/tests/subpipe', '[first/unit/run] hello', 'main/tests/first/unit/run', 'hello'],
      ['main/tests (retry 1)/subpipe', '[tests/unit/run] x', 'main/tests (retry 1)/unit/run', 'x'],
      ['main/tests/subpipe', 'subpipe: created', 'main/tests/subpipe', 'subpipe: created'],
      ['main/build/run', '[tests/unit/run] not ours', 'main/build/run', '[tests/unit/run] not ours'],
      ['main/tests/subpipe', '[INFO] not ours', 'main/tests/subpipe', '[INFO] not ours'],
    ];
    for (const [prefix, text, path, rest] of cases)
      assert.deepEqual(mergePrefixes(prefix, text), { prefix: path, text: rest });
  });
});

describe('the screen', () => {
  it('keeps the tree below the lines of a terminal, cut to its width', () => {
    let written = '';
    const out = { isTTY: true, columns: 10, rows: 24, write: (text: string) => (written += text) };
    const screen = new Screen(out, () => ['\x1b[32m✓\x1b[0m abcdefghijkl', 'second']);
    screen.refresh();
    assert.equal(written, '\x1b[32m✓\x1b[0m abcdefg\nsecond\n');
    written = '';
    screen.write('a line\n');
    assert.equal(written, '\x1b[2A\x1b[Ja line\n\x1b[32m✓\x1b[0m abcdefg\nsecond\n');
    written = '';
    screen.close();
    assert.equal(written, '\x1b[2A\x1b[J');
  });

  it('writes plain lines into a log', () => {
    let written = '';
    const screen = new Screen({ write: (text: string) => (written += text) }, () => ['the tree']);
    screen.refresh();
    screen.write('a line\n');
    screen.close();
    assert.equal(written, 'a line\n');
  });
});
