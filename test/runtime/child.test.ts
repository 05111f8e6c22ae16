import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type Call, readCall } from '../../runtime/call/call.ts';
import { type Caller, deadlineOf } from '../../runtime/call/caller.ts';
import { type ChildPlan, childName, childRun } from '../../runtime/call/child.ts';
import { parseDuration } from '../../runtime/duration.ts';
import type { PipelineRun, PipelineRunSpec, TaskRun, Timeouts } from '../../runtime/tekton/types.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

function caller(over: Partial<Caller> = {}): Caller {
  return {
    namespace: 'ci',
    taskRun: 'main-tests',
    pipelineRun: 'main',
    run: { metadata: { name: 'main-tests', uid: 'uid-1' }, spec: {} },
    parent: undefined,
    deadline: undefined,
    ...over,
  };
}

function plan(
  over: Partial<Omit<ChildPlan, 'call'>> & { call?: Record<string, unknown>; base?: PipelineRun } = {},
): ChildPlan {
  const { call, base, ...rest } = over;
  const read: Call = {
    ...readCall({ name: 'tests', pipeline: 'tests', ...call }, 'call'),
    retries: 0,
    onFailure: 'fail',
  };
  return {
    call: read,
    source: { title: 'tests', identity: 'ci/tests', spec: {}, target: { pipelineRef: { name: 'tests' } }, base },
    params: [],
    chain: ['ci/main', 'ci/tests'],
    namespace: 'ci',
    caller: caller(),
    callerUid: 'uid-1',
    ...rest,
  };
}

const random = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('');

test("a child's name is always a name and a label value, the same for the same caller, call and attempt, and no other's", () => {
  const seen = new Map<string, string>();
  for (let round = 0; round < 3000; round++) {
    const length = (most: number): number => 1 + Math.floor(Math.random() * most);
    const call = `a${random('abc-', length(60))}z`;
    const taskRun = Math.random() < 0.2 ? call : `m${random('ab-.', length(250))}n`;
    const own = {
      call: { ...plan().call, name: call },
      caller: Math.random() < 0.2 ? undefined : caller({ taskRun }),
      callerUid: randomUUID(),
    };
    const attempt = Math.floor(Math.random() * 12);
    const name = childName(own, attempt);
    assert.match(name, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
    assert.ok(name.length <= 63, name);
    assert.equal(childName(own, attempt), name);
    const key = `${own.callerUid}/${call}/${attempt}`;
    assert.ok(!seen.has(name), `${name} is that of ${key} and ${seen.get(name)}`);
    seen.set(name, key);
    assert.notEqual(childName(own, attempt + 1), name);
    assert.notEqual(childName({ ...own, call: { ...own.call, name: `${call}2`.slice(-63) } }, attempt), name);
  }
});

test("a child's name begins with its caller's, and says the call once", () => {
  assert.match(childName(plan(), 0), /^main-tests-[0-9a-f]{8}$/);
  assert.match(childName(plan({ call: { name: 'deploy' } }), 2), /^main-tests-deploy-[0-9a-f]{8}-r2$/);
  assert.match(childName(plan({ caller: undefined }), 0), /^tests-[0-9a-f]{8}$/);
});

test('a child says who called it, and carries the chain of calls', () => {
  const { metadata, spec } = childRun(plan({ call: { labels: { team: 'ci' }, annotations: { note: 'x' } } }), 0, now);
  assert.deepEqual(metadata.labels, {
    team: 'ci',
    'subpipe.dev/call': 'tests',
    'subpipe.dev/caller': 'main-tests',
    'subpipe.dev/caller-uid': 'uid-1',
  });
  assert.deepEqual(metadata.annotations, { note: 'x', 'subpipe.dev/call-chain': '["ci/main","ci/tests"]' });
  assert.deepEqual(metadata.ownerReferences, [
    { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'main-tests', uid: 'uid-1' },
  ]);
  assert.deepEqual(spec, { pipelineRef: { name: 'tests' }, params: [], workspaces: [] });
});

test("labels of ours cannot be overwritten by the call's", () => {
  const { metadata } = childRun(plan({ call: { labels: { 'subpipe.dev/caller-uid': 'other' } } }), 0, now);
  assert.equal(metadata.labels?.['subpipe.dev/caller-uid'], 'uid-1');
});

test('a child in another namespace, or of nobody, has no owner: Kubernetes would delete it', () => {
  assert.equal(childRun(plan({ namespace: 'prod' }), 0, now).metadata.ownerReferences, undefined);
  assert.equal(childRun(plan({ namespace: 'prod' }), 0, now).metadata.namespace, 'prod');
  const free = childRun(plan({ caller: undefined }), 0, now).metadata;
  assert.equal(free.ownerReferences, undefined);
  assert.equal(free.labels?.['subpipe.dev/caller'], undefined);
});

test("run-spec is merged in: objects by key, all else replaced; what it runs is the call's", () => {
  const base: PipelineRun = {
    metadata: { name: 'base', labels: { from: 'base' }, annotations: { a: 'base' }, ownerReferences: [] },
    spec: {
      pipelineRef: { name: 'other' },
      status: 'PipelineRunPending',
      taskRunTemplate: { serviceAccountName: 'base', podTemplate: { nodeSelector: { a: '1', b: '1' } } },
      taskRunSpecs: [{ pipelineTaskName: 'x' }],
      params: [{ name: 'p', value: 'base' }],
      workspaces: [
        { name: 'w', emptyDir: {} },
        { name: 'v', emptyDir: {} },
      ],
    },
  };
  const runSpec: PipelineRunSpec = {
    taskRunTemplate: { podTemplate: { nodeSelector: { b: '2' } } },
    taskRunSpecs: [{ pipelineTaskName: 'y' }],
    workspaces: [{ name: 'u', secret: { secretName: 's' } }],
  };
  const workspaces = [{ name: 'w', persistentVolumeClaim: { claimName: 'c' } }];
  const { metadata, spec } = childRun(
    plan({ base, call: { runSpec, workspaces, serviceAccount: 'call' }, params: [{ name: 'p', value: 'call' }] }),
    0,
    now,
  );
  assert.equal(metadata.labels?.from, 'base');
  assert.deepEqual(spec, {
    pipelineRef: { name: 'tests' },
    taskRunTemplate: { serviceAccountName: 'call', podTemplate: { nodeSelector: { a: '1', b: '2' } } },
    taskRunSpecs: [{ pipelineTaskName: 'y' }],
    params: [{ name: 'p', value: 'call' }],
    workspaces: [
      { name: 'v', emptyDir: {} },
      { name: 'u', secret: { secretName: 's' } },
      { name: 'w', persistentVolumeClaim: { claimName: 'c' } },
    ],
  });
});

function timeouts(options: { timeout?: string; given?: Timeouts; left?: number }): Timeouts | undefined {
  const { timeout, given, left } = options;
  const call = {
    ...(timeout === undefined ? {} : { timeout }),
    ...(given === undefined ? {} : { runSpec: { timeouts: given } }),
  };
  const deadline = left === undefined ? undefined : now + left;
  return childRun(plan({ call, caller: caller({ deadline }) }), 0, now).spec.timeouts;
}

const minutes = (count: number): number => count * 60_000;

for (const [what, options, expected] of [
  ['nothing is said: as the cluster says', {}, undefined],
  ['the call says', { timeout: '90s' }, { pipeline: '1m30s' }],
  ['the call says no limit', { timeout: '0' }, { pipeline: '0s' }],
  ['run-spec says', { given: { pipeline: '2h', tasks: '1h' } }, { pipeline: '2h0m0s', tasks: '1h0m0s' }],
  ['the call wins over run-spec', { timeout: '1h', given: { pipeline: '2h' } }, { pipeline: '1h0m0s' }],
  ['the caller has more left', { timeout: '10m', left: minutes(60) }, { pipeline: '10m0s' }],
  [
    'the caller has less left, some seconds are kept to report',
    { timeout: '2h', left: minutes(60) },
    { pipeline: '59m30s' },
  ],
  ['the caller has a limit, the call none', { left: minutes(60) }, { pipeline: '59m30s' }],
  ['the caller has a limit, the call wants none', { timeout: '0s', left: minutes(60) }, { pipeline: '59m30s' }],
  ['little is left: a part of it is kept', { left: 20_000 }, { pipeline: '10s' }],
  [
    'tasks and finally are shortened to fit',
    { given: { pipeline: '2h', tasks: '90m', finally: '30m' }, left: minutes(60) },
    { pipeline: '59m30s', tasks: '29m45s', finally: '29m45s' },
  ],
  [
    'tasks without a limit does not fit under one',
    { given: { pipeline: '0', tasks: '0', finally: '10m' }, left: minutes(60) },
    { pipeline: '59m30s', finally: '10m0s' },
  ],
  [
    'without any limit all stays as it is',
    { given: { pipeline: '0s', tasks: '0s', finally: '0s' } },
    { pipeline: '0s', tasks: '0s', finally: '0s' },
  ],
] as const satisfies [string, { timeout?: string; given?: Timeouts; left?: number }, Timeouts | undefined][]) {
  test(`the child's timeout: ${what}`, () => assert.deepEqual(timeouts(options), expected));
}

test('timeouts always fit into each other and into what is left, as Tekton demands', () => {
  const pick = (): string | undefined =>
    [undefined, '0', '500ms', '1s', '90s', '45m', '3h'][Math.floor(Math.random() * 7)];
  for (let round = 0; round < 3000; round++) {
    const given = Object.fromEntries(
      (['pipeline', 'tasks', 'finally'] as const)
        .map((part) => [part, pick()] as const)
        .filter(([, value]) => value !== undefined),
    ) as Timeouts;
    const left = 2000 + Math.floor(Math.random() * minutes(200));
    const got = timeouts({ given, left });
    const [whole, tasks, final] = [got?.pipeline, got?.tasks, got?.finally].map((text) =>
      text === undefined ? undefined : parseDuration(text, 'x'),
    );
    const shown = JSON.stringify({ given, left, got });
    assert.ok(whole !== undefined && whole >= 1000 && whole < left, shown);
    for (const part of [tasks, final]) assert.ok(part === undefined || (part >= 1000 && part <= whole), shown);
    if (whole >= 4000) assert.ok((tasks ?? 0) + (final ?? 0) <= whole, shown);
  }
});

test('a call is refused where no time is left', () => {
  assert.throws(() => timeouts({ left: 500 }), /no time is left for the call tests: its caller is about to time out/);
});

const start = '2026-01-01T00:00:00Z';
const taskRun = (spec: TaskRun['spec'] = {}, task = 'call'): TaskRun => ({
  metadata: { name: 't', labels: { 'tekton.dev/pipelineTask': task } },
  spec,
  status: { startTime: '2026-01-01T00:10:00Z' },
});
const parent = (timeouts: Timeouts | undefined): PipelineRun => ({
  metadata: { name: 'p' },
  spec: timeouts === undefined ? {} : { timeouts },
  status: { startTime: start, finallyStartTime: '2026-01-01T01:00:00Z', pipelineSpec: { finally: [{ name: 'last' }] } },
});
const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);

for (const [what, run, above, expected] of [
  ['nothing limits', taskRun(), parent(undefined), undefined],
  ['a timeout of 0 is none', taskRun({ timeout: '0s' }), parent({ pipeline: '0' }), undefined],
  ["the TaskRun's timeout", taskRun({ timeout: '30m' }), parent({ pipeline: '1h0m0s' }), at('00:40:00')],
  ["the PipelineRun's", taskRun({ timeout: '1h' }), parent({ pipeline: '1h' }), at('01:00:00')],
  [
    "that of the PipelineRun's tasks",
    taskRun({ timeout: '1h' }),
    parent({ pipeline: '1h', tasks: '20m' }),
    at('00:20:00'),
  ],
  ['what finally leaves for tasks', taskRun(), parent({ pipeline: '1h', finally: '15m' }), at('00:45:00')],
  [
    "that of the PipelineRun's finally, for a finally task",
    taskRun({}, 'last'),
    parent({ pipeline: '2h', tasks: '20m', finally: '15m' }),
    at('01:15:00'),
  ],
  ['a TaskRun of its own', taskRun({ timeout: '30m' }), undefined, at('00:40:00')],
] as const) {
  test(`the caller's deadline: ${what}`, () => assert.equal(deadlineOf(run, above), expected));
}
