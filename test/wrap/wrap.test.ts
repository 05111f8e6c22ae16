import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PipelineTask } from '../../runtime/tekton/types.ts';
import { findingsOf, fromOf, paramIn, pipeline, stepsIn, tagged, task, taskIn, wrap } from './support.ts';

const argsOf = (step: { args?: unknown } | undefined): unknown[] => (Array.isArray(step?.args) ? step.args : []);

test('workspaces that are bound to anything else stay as they are', async () => {
  const both = task(
    'clone',
    { workspaces: [{ name: 'w' }, { name: 'cache' }] },
    { workspaces: [{ name: 'w' }, { name: 'cache' }] },
  );
  const spec = pipeline([both, task('warm', { workspaces: [{ name: 'w', workspace: 'cache' }] })], [], {
    workspaces: [{ name: 'w' }, { name: 'cache' }],
  });
  const bindings = [
    { name: 'w', emptyDir: {} },
    { name: 'cache', persistentVolumeClaim: { claimName: 'cache' } },
  ];
  const wrapped = wrap(spec, {}, { workspaces: bindings });
  assert.deepEqual(wrapped.carried, ['w']);
  assert.deepEqual(wrapped.workspaces, bindings);
  assert.deepEqual(taskIn(wrapped, 'warm'), spec.tasks?.[1]);
  assert.deepEqual(
    stepsIn(wrapped, 'clone').map(({ name }) => name),
    ['run', 'subpipe-push-w'],
  );
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('what comes in is not changed', () => {
  const spec = pipeline([task('clone'), task('build', { runAfter: ['clone'] })]);
  const before = structuredClone(spec);
  wrap(spec);
  assert.deepEqual(spec, before);
});

test('an image goes to a tag that no other Task and no other run has; the tag of the target is moved as well', () => {
  const wrapped = wrap(pipeline([task('clone')]));
  assert.equal(paramIn(wrapped, 'clone', 'subpipe-w-to'), tagged('clone'));
  assert.equal(paramIn(wrapped, 'clone', 'subpipe-w-tag'), 'latest');
  const push = argsOf(stepsIn(wrapped, 'clone').at(-1));
  assert.ok(push.includes('--target=$(params.subpipe-w-to)') && push.includes('--tags=$(params.subpipe-w-tag)'));
  const plain = wrap(pipeline([task('clone')]), { target: 'registry.test/$(context.pipelineRun.name)' });
  assert.equal(paramIn(plain, 'clone', 'subpipe-w-tag'), undefined);
});

test('a tag is never longer than registries take it', () => {
  const long = 'a'.repeat(63);
  const tags = ['x', 'y'].map((name) => {
    const workspaces = [{ name: `${long}${name}`, workspace: 'w' }];
    const wrapped = wrap(pipeline([task(long, { workspaces }, { workspaces })]));
    const params = taskIn(wrapped, long).params;
    const value = (Array.isArray(params) ? params : []).find(({ name: param }) => param.endsWith('-to'))?.value;
    return String(value).slice(String(value).lastIndexOf(':') + 1);
  });
  assert.notEqual(tags[0], tags[1]);
  // With the UID of 36 characters, and `.` and 24 digits of an announcement, at most 128.
  for (const tag of tags) assert.ok(tag.replace('$(context.pipelineRun.uid)', '').length <= 128 - 36 - 25, tag);
});

test('names that the Task has already are not taken again', async () => {
  const params = ['subpipe-w-from', 'subpipe-w-to'].map((name) => ({ name, type: 'string', default: 'mine' }));
  const mine = {
    params,
    results: [{ name: 'subpipe-w', type: 'string' }],
    volumes: [{ name: 'subpipe-state', emptyDir: {} }],
    steps: [{ name: 'subpipe-pull-w', image: 'busybox', script: 'echo $(params.subpipe-w-from)' }],
  };
  const wrapped = wrap(pipeline([task('clone', {}, mine), task('build', { runAfter: ['clone'] }, mine)]));
  assert.deepEqual(
    stepsIn(wrapped, 'build').map(({ name }) => name),
    ['subpipe-pull-w-2', 'subpipe-pull-w', 'subpipe-push-w'],
  );
  assert.deepEqual(paramIn(wrapped, 'build', 'subpipe-w-from-2'), ['$(tasks.clone.results.subpipe-w-2)']);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('a workspace under two names in one Task is two folders, and the next Task gets both', async () => {
  const workspaces = [
    { name: 'in', workspace: 'w' },
    { name: 'out', workspace: 'w' },
  ];
  const both = task(
    'build',
    { workspaces, runAfter: ['clone'] },
    {
      workspaces: [{ name: 'in' }, { name: 'out' }],
      steps: [{ name: 'run', image: 'busybox', script: 'cp $(workspaces.in.path)/a $(workspaces.out.path)/b' }],
    },
  );
  const wrapped = wrap(pipeline([task('clone'), both, task('pack', { runAfter: ['build'] })]));
  assert.deepEqual(
    stepsIn(wrapped, 'build').map(({ name }) => name),
    ['subpipe-pull-in', 'subpipe-pull-out', 'run', 'subpipe-push-in', 'subpipe-push-out'],
  );
  assert.deepEqual(fromOf(wrapped, 'pack'), [
    '$(tasks.build.results.subpipe-in)',
    '$(tasks.build.results.subpipe-out)',
  ]);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('folders of a workspace are handed on each by itself; one in another is refused', async () => {
  const part = (name: string, subPath: string, more = {}): PipelineTask =>
    task(name, { workspaces: [{ name: 'w', subPath }], ...more });
  const wrapped = wrap(
    pipeline([part('a', 'src'), part('b', 'docs', { runAfter: ['a'] }), part('c', './src/', { runAfter: ['b'] })]),
  );
  assert.deepEqual(fromOf(wrapped, 'c'), ['$(tasks.a.results.subpipe-w)']);
  assert.deepEqual(
    stepsIn(wrapped, 'b').map(({ name }) => name),
    ['run', 'subpipe-push-w'],
  );
  assert.deepEqual(taskIn(wrapped, 'c').workspaces, [{ name: 'w' }], 'all of the emptyDir');
  assert.deepEqual(await findingsOf(wrapped), []);
  assert.throws(() => wrap(pipeline([task('a'), part('b', 'src')])), {
    message: /the task a uses w, and b uses w\/src, which is a part of it/,
  });
  assert.throws(() => wrap(pipeline([part('a', 'x'), part('b', '$(params.part)')])), {
    message: /which may be a part/,
  });
});

test("a folder of the run's emptyDir is all of it", () => {
  const wrapped = wrap(
    pipeline([task('a')]),
    {},
    { workspaces: [{ name: 'w', subPath: 'x', emptyDir: { medium: 'Memory' } }] },
  );
  assert.deepEqual(wrapped.workspaces, [{ name: 'w', emptyDir: { medium: 'Memory' } }]);
});

test('a workspace that an embedded Task has only by its use is bound and declared', async () => {
  const used = (name: string, more = {}): PipelineTask => ({
    name,
    taskSpec: { steps: [{ image: 'busybox', script: 'ls $(workspaces.w.path)' }] },
    ...more,
  });
  const wrapped = wrap(pipeline([used('a'), used('b', { runAfter: ['a'] })]));
  assert.deepEqual(fromOf(wrapped, 'b'), ['$(tasks.a.results.subpipe-w)']);
  assert.deepEqual(taskIn(wrapped, 'b').workspaces, [{ name: 'w', workspace: 'w' }]);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('a use in the params of a StepAction is one; to ask whether it is bound is none', () => {
  const using = (steps: Record<string, unknown>[]): PipelineTask => ({ name: 'a', taskSpec: { steps } });
  const action = { ref: { name: 'git-clone' }, name: 'clone' };
  for (const value of ['$(workspaces.w.path)', ['x', '$(workspaces.w.path)'], { path: '$(workspaces.w.path)' }]) {
    const wrapped = wrap(pipeline([using([{ ...action, params: [{ name: 'folder', value }] }])]));
    assert.deepEqual(taskIn(wrapped, 'a').workspaces, [{ name: 'w', workspace: 'w' }]);
    assert.equal(stepsIn(wrapped, 'a').at(-1)?.name, 'subpipe-push-w');
  }
  const asked = using([{ name: 's', image: 'x', script: 'echo $(workspaces.w.bound)' }]);
  assert.deepEqual(taskIn(wrap(pipeline([asked])), 'a'), asked);
});

test('an optional workspace that nobody binds is left out', async () => {
  const optional = task('a', {}, { workspaces: [{ name: 'w', optional: true }] });
  const wrapped = wrap(
    pipeline([optional], [], { workspaces: [{ name: 'w', optional: true }] }),
    {},
    { workspaces: [] },
  );
  assert.deepEqual(taskIn(wrapped, 'a'), optional);
  assert.deepEqual(wrapped.carried, []);
});

test('custom tasks and Pipelines that use a workspace are refused; others are let be', () => {
  const custom = { name: 'wait', taskRef: { apiVersion: 'example.dev/v1', kind: 'Wait' } };
  assert.doesNotThrow(() => wrap(pipeline([task('a'), custom])));
  const using = { ...custom, workspaces: [{ name: 'w' }] };
  assert.throws(() => wrap(pipeline([task('a'), using])), {
    code: 'INVALID',
    message: 'the task wait uses the workspace w, but is a custom task (example.dev/v1, Wait): it cannot be wrapped',
  });
  assert.throws(
    () => wrap(pipeline([task('a'), { name: 'p', pipelineRef: { name: 'x' }, workspaces: [{ name: 'w' }] }])),
    {
      message: /but is a Pipeline/,
    },
  );
});

test('steps without a name keep the number that Tekton gives them', async () => {
  const unnamed = {
    steps: [
      { image: 'busybox', script: 'exit 1', onError: 'continue' },
      { image: 'busybox', script: 'cat $(steps.step-unnamed-0.exitCode.path)' },
    ],
  };
  const wrapped = wrap(pipeline([task('a'), task('b', { runAfter: ['a'] }, unnamed)]));
  assert.deepEqual(
    stepsIn(wrapped, 'b').map(({ name }) => name),
    ['subpipe-pull-w', 'unnamed-0', 'unnamed-1', 'subpipe-push-w'],
  );
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('what a Task sets for all its steps does not reach ours', async () => {
  const stepTemplate = {
    workingDir: '$(workspaces.w.path)/src',
    env: [{ name: 'NODE_OPTIONS', value: '--require /x.js' }],
    command: ['sh'],
  };
  const wrapped = wrap(
    pipeline([
      task('a'),
      task('b', { runAfter: ['a'] }, { stepTemplate, steps: [{ name: 'run', image: 'busybox', args: ['-c', 'ls'] }] }),
    ]),
  );
  for (const step of [stepsIn(wrapped, 'b')[0], stepsIn(wrapped, 'b').at(-1)]) {
    assert.equal(step?.workingDir, '/');
    assert.deepEqual(Array.isArray(step?.env) && step.env[0], { name: 'NODE_OPTIONS', value: '' });
    assert.ok(Array.isArray(step?.command) && String(step.command[0]).startsWith('/subpipe/oci-workspace-'));
  }
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('read-only and isolated workspaces are reached by their volume', () => {
  const isolated = {
    workspaces: [{ name: 'w', readOnly: true }],
    steps: [{ name: 'run', image: 'busybox', script: 'true', workspaces: [{ name: 'w' }] }],
  };
  const [pull] = stepsIn(wrap(pipeline([task('a'), task('b', { runAfter: ['a'] }, isolated)])), 'b');
  assert.deepEqual(pull?.volumeMounts, [
    { name: '$(workspaces.w.volume)', mountPath: '/subpipe-wrap/workspace/w' },
    { name: 'subpipe-state', mountPath: '/subpipe-wrap/state' },
  ]);
});

test("pull and push run as the Task's own steps do; as root, which may keep owners, where nobody says", () => {
  const contextOf = (spec = {}, run = {}, options = {}) => {
    const wrapped = wrap(pipeline([task('first'), task('a', { runAfter: ['first'] }, spec)]), options, run);
    const [pull, push] = [stepsIn(wrapped, 'a')[0], stepsIn(wrapped, 'a').at(-1)];
    const context = push?.securityContext;
    assert.deepEqual(pull?.securityContext, context);
    // Whose files they are is always kept, for a Task that pulls them as root.
    assert.ok(argsOf(push).includes('--owner=keep'));
    return { ...(typeof context === 'object' ? context : {}), keeps: argsOf(pull).includes('--owner=keep') } as Record<
      string,
      unknown
    >;
  };
  const asRoot = contextOf();
  assert.equal(asRoot.runAsUser, 0);
  assert.equal(asRoot.keeps, true);
  assert.deepEqual(asRoot.capabilities, { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] });
  const workspaces = [{ name: 'w', emptyDir: {} }];
  const said = [
    contextOf({ stepTemplate: { securityContext: { runAsUser: 1001 } } }),
    contextOf({}, { workspaces, taskRunTemplate: { podTemplate: { securityContext: { runAsNonRoot: true } } } }),
    contextOf(
      {},
      { workspaces, taskRunSpecs: [{ pipelineTaskName: 'a', podTemplate: { securityContext: { runAsUser: 5 } } }] },
    ),
    contextOf({}, {}, { user: 'image' }),
  ];
  for (const context of said) {
    assert.equal('runAsUser' in context, false);
    assert.equal(context.runAsNonRoot, true);
    assert.equal(context.keeps, false);
  }
  const steps = [1, 2].map((name) => ({
    name: `s${name}`,
    image: 'x',
    script: 'true',
    securityContext: { runAsUser: 1001 },
  }));
  assert.equal(contextOf({ steps }).runAsUser, 1001);
  assert.equal(contextOf({ steps }).runAsNonRoot, true);
  assert.equal(contextOf({}, {}, { user: 7 }).runAsUser, 7);
  assert.equal(contextOf({}, {}, { user: 7 }).runAsNonRoot, true);
  const root = { stepTemplate: { securityContext: { runAsUser: 0 } } };
  assert.equal(contextOf(root, {}, { user: 'image' }).runAsNonRoot, false);
});

test('pull and push are root with its rights where root is said, and where a step is another user than its Task says', () => {
  const contextOf = (spec = {}, more = {}) => {
    const run = { workspaces: [{ name: 'w', emptyDir: {} }], ...more };
    const context = stepsIn(wrap(pipeline([task('a', {}, spec)]), {}, run), 'a').at(-1)?.securityContext;
    return (typeof context === 'object' ? context : {}) as Record<string, unknown>;
  };
  const as = (runAsUser: number) => ({ securityContext: { runAsUser } });
  const steps = [1000, 0].map((user) => ({ name: `s${user}`, image: 'x', script: 'true', ...as(user) }));
  const [one, other] = steps;
  const nonRoot = { podTemplate: { securityContext: { runAsNonRoot: true } } };
  const rooted = [
    contextOf({ stepTemplate: as(0) }),
    contextOf({}, { taskRunTemplate: { podTemplate: as(0) } }),
    contextOf({ stepTemplate: as(1000), steps: [{ ...one, securityContext: {} }, other] }),
    contextOf({ stepTemplate: as(1000), steps }),
    contextOf({ steps }, { taskRunTemplate: nonRoot }),
    // What a Task's own pod says takes the place of all that pods say.
    contextOf(
      {},
      {
        taskRunTemplate: { podTemplate: as(1000) },
        taskRunSpecs: [{ pipelineTaskName: 'a', podTemplate: { securityContext: { fsGroup: 5 } } }],
      },
    ),
  ];
  for (const context of rooted) {
    assert.equal(context.runAsUser, 0);
    assert.deepEqual(context.capabilities, { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] });
  }
  const other2 = { ...other, ...as(2000) };
  assert.equal(
    'runAsUser' in contextOf({ stepTemplate: as(1000), steps: [one, other2] }, { taskRunTemplate: nonRoot }),
    false,
  );
});

test('a Task that makes all its steps privileged has none of ours so', () => {
  const privileged = { stepTemplate: { securityContext: { privileged: true } } };
  for (const spec of [
    privileged,
    { ...privileged, stepTemplate: { securityContext: { privileged: true, runAsUser: 7 } } },
  ]) {
    const wrapped = wrap(pipeline([task('first'), task('a', { runAfter: ['first'] }, spec)]));
    for (const step of [stepsIn(wrapped, 'a')[0], stepsIn(wrapped, 'a').at(-1)]) {
      assert.equal(JSON.stringify(step?.securityContext).includes('"privileged":false'), true);
    }
  }
});

test('results have the share of the kubelet, which counts all containers, also those that Tekton adds', () => {
  const limitOf = (spec = {}): unknown =>
    argsOf(stepsIn(wrap(pipeline([task('a', {}, spec)])), 'a').at(-1)).find((arg) =>
      String(arg).startsWith('--results-limit'),
    );
  const step = { name: 's', image: 'x', command: ['true'] };
  // Tekton's first, the step and push.
  assert.equal(limitOf({ steps: [step] }), '--results-limit=4096');
  assert.equal(limitOf({ steps: [{ ...step, workingDir: '/src' }] }), '--results-limit=4096');
  assert.equal(limitOf({ steps: [{ ...step, script: 'true' }] }), '--results-limit=3072');
  assert.equal(
    limitOf({ steps: [step], stepTemplate: { workingDir: '$(workspaces.w.path)' } }),
    '--results-limit=3072',
  );
  assert.equal(limitOf({ steps: [{ name: 's', ref: { name: 'x' } }] }), '--results-limit=2457');
  const steps = Array.from({ length: 6 }, (_, index) => ({ ...step, name: `s${index}`, workingDir: 'src' }));
  assert.equal(limitOf({ steps, sidecars: [{ name: 'db', image: 'x', script: 'true' }] }), '--results-limit=1117');
});

test('a pull removes no files that a sidecar has written before it', () => {
  const [pull] = stepsIn(wrap(pipeline([task('a'), task('b', { runAfter: ['a'] })])), 'b');
  assert.ok(argsOf(pull).includes('--expect-empty=true'));
});

test('images, base and registries without TLS are as they were asked for', () => {
  const wrapped = wrap(pipeline([task('a'), task('b', { runAfter: ['a'] })]), {
    images: 'local:5000/{{step}}@v1',
    insecure: ['local:5000', 'other:80'],
  });
  const [pull] = stepsIn(wrapped, 'b');
  assert.equal(pull?.image, 'local:5000/oci-workspace-pull@v1');
  assert.ok(argsOf(pull).includes('--insecure=local:5000,other:80'));
});

test('a Pipeline that is wrapped already is not wrapped again', () => {
  const { spec, workspaces } = wrap(pipeline([task('clone')]));
  assert.throws(() => wrap(spec, {}, { workspaces }), {
    code: 'INVALID',
    message: 'the task clone pulls and pushes its workspaces already: it was wrapped before',
  });
});

test('a base may be another one for each workspace, and by the params of the Pipeline, not those of a Task', async () => {
  const own = { params: [{ name: 'image', type: 'string', default: "the Task's" }] };
  const spec = pipeline([task('clone', {}, own)], [], { params: [{ name: 'image', type: 'string', default: 'x' }] });
  const wrapped = wrap(spec, { base: 'r.test/$(params.image)/{{workspace}}:1' });
  assert.equal(paramIn(wrapped, 'clone', 'subpipe-w-base'), 'r.test/$(params.image)/w:1');
  assert.ok(argsOf(stepsIn(wrapped, 'clone')[0]).includes('--base=$(params.subpipe-w-base)'));
  assert.deepEqual(await findingsOf(wrapped), []);
  const plain = wrap(spec, { base: 'r.test/{{workspace}}:1' });
  assert.ok(argsOf(stepsIn(plain, 'clone')[0]).includes('--base=r.test/w:1'));
  assert.equal(paramIn(plain, 'clone', 'subpipe-w-base'), undefined);
});

test('a param in the target or the base is one of the Pipeline, and a text', () => {
  const spec = pipeline([task('clone')], [], { params: [{ name: 'list', type: 'array', default: [] }] });
  const refused =
    /--oci-workspaces, or what workspaces begin with, asks for \$\(params\.(none\), but the Pipeline has no|list\), but that is an array)/;
  for (const image of ['r.test/$(params.none)', 'r.test/$(params.list)']) {
    assert.throws(() => wrap(spec, { target: image }), { message: refused });
    assert.throws(() => wrap(spec, { base: image }), { message: refused });
  }
});
