import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { KubeObject } from '../../runtime/kube/resource.ts';
import { pipelineRuns, resolutionRequests, taskRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun, TaskRun } from '../../runtime/tekton/types.ts';
import { subpipe } from '../../steps/subpipe/step.ts';
import { type Cluster, makeCluster } from '../support/cluster.ts';
import { addCaller, addPipeline, endRun } from '../support/tekton.ts';

/** `ref('tests.status')` → `${calls.tests.status}`. */
const ref = (what: string): string => `\${calls.${what}}`;

const callName = (run: PipelineRun): string | undefined => run.metadata.labels?.['subpipe.dev/call'];

test('a Pipeline is called with typed params and workspaces, and its results come back', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'tests', {
    params: [
      { name: 'image' },
      { name: 'suites', type: 'array' },
      { name: 'where', type: 'object', properties: { region: {} } },
    ],
    workspaces: [{ name: 'source' }],
  });
  const { env } = addCaller(kube);
  const flags = [
    '--pipeline=tests',
    '--workspaces=[{name: source, emptyDir: {}}]',
    '--service-account=bot',
    '--labels={team: ci}',
    '--logs=none',
  ];
  const calling = cluster.run(subpipe, [...flags, '--', 'image=x=y', 'suites=["a","b"]', 'where={"region":"eu"}'], {
    env,
  });
  const child = await cluster.child(1);
  assert.deepEqual(child.spec, {
    pipelineRef: { name: 'tests' },
    params: [
      { name: 'image', value: 'x=y' },
      { name: 'suites', value: ['a', 'b'] },
      { name: 'where', value: { region: 'eu' } },
    ],
    workspaces: [{ name: 'source', emptyDir: {} }],
    taskRunTemplate: { serviceAccountName: 'bot' },
  });
  assert.equal(child.metadata.labels?.team, 'ci');
  assert.equal(callName(child), 'call');
  assert.equal(child.metadata.ownerReferences?.[0]?.uid, kube.find(taskRuns, 'main-call')?.metadata.uid);
  endRun(kube, child.metadata.name, {
    results: [
      { name: 'url', value: 'https://x' },
      { name: 'list', value: ['1', '2'] },
    ],
  });
  const { code, stderr, results } = await calling;
  assert.equal(code, 0, stderr);
  assert.equal(results.results, '{"url":"https://x","list":["1","2"]}');
  assert.deepEqual([results.status, results.runs], ['Succeeded', JSON.stringify([child.metadata.name])]);
});

test('a call takes six requests: its caller, the Pipeline, the child and two watches', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'tests');
  const { env } = addCaller(kube);
  const calling = cluster.run(subpipe, ['--pipeline=tests', '--logs=none'], { env });
  const { metadata } = await cluster.child(1);
  await kube.until(() => kube.watching === 2);
  endRun(kube, metadata.name);
  await calling;
  assert.deepEqual(kube.requests.map(({ verb, resource }) => `${verb} ${resource}`).sort(), [
    'create pipelineruns',
    'get pipelineruns',
    'get pipelines',
    'get taskruns',
    'watch pipelineruns',
    'watch pipelineruns',
  ]);
});

test('on a laptop a Pipeline is called without a caller', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'tests');
  const calling = cluster.run(subpipe, ['--pipeline=tests', '--logs=none']);
  const { metadata } = await cluster.child(1);
  assert.equal(metadata.ownerReferences, undefined);
  endRun(cluster.kube, metadata.name);
  assert.equal((await calling).code, 0);
});

for (const [what, flags, expected] of [
  [
    'an unknown param',
    ['--pipeline=tests', '--', 'image=x', 'other=y'],
    /the call of tests does not fit: unknown param other \(it has image\)/,
  ],
  ['a missing param', ['--pipeline=tests'], /missing param image/],
  ['a missing workspace', ['--pipeline=spaces'], /missing workspace source/],
  [
    'a Pipeline that is not there',
    ['--pipeline=ghost'],
    /there is no Pipeline ghost in namespace ci\. Nothing was created\./,
  ],
  [
    'a call of itself',
    ['--pipeline=main'],
    /the call would go round in a circle: ci\/main → ci\/main\. Nothing was created\./,
  ],
  ['a chain that is too deep', ['--pipeline=plain', '--max-depth=1', '--calls='], undefined],
  [
    'no source',
    [],
    /the flags must say which Pipeline to call with exactly one of pipeline, pipelineRef, file and run, but has none/,
  ],
  ['two sources', ['--pipeline=tests', '--pipeline-ref={name: x}'], /exactly one of .*, but has 2/],
  ['a word that is no param', ['--pipeline=tests', '--', 'image'], /each param must be name=value, but one is "image"/],
  [
    'a list beside a single call',
    ['--pipeline=tests', '--calls=[{name: a, pipeline: plain}]'],
    /--calls has its own pipeline: give them in the list/,
  ],
  ['an empty list', ['--calls=[]'], /--calls must be a list of at least one call, but is empty/],
  [
    'two calls of one name',
    ['--calls=[{name: a, pipeline: plain}, {name: a, pipeline: plain}]'],
    /two calls are named a/,
  ],
  [
    'calls in a circle',
    ['--calls=[{name: a, pipeline: plain, runAfter: [b]}, {name: b, pipeline: plain, runAfter: [a]}]'],
    /the calls wait for each other in a circle: a → b → a/,
  ],
  [
    'a call after one that is not there',
    ['--calls=[{name: a, pipeline: plain, runAfter: [b]}]'],
    /the call a comes after b, but there is no such call/,
  ],
  [
    'a result that its Pipeline does not declare',
    [`--calls=[{name: a, pipeline: plain}, {name: b, pipeline: tests, params: {image: "${ref('a.results.x')}"}}]`],
    /the call b uses \$\{calls\.a\.results\.x\}, but a has no results/,
  ],
  [
    'a reference with a typing mistake',
    [`--calls=[{name: a, pipeline: plain}, {name: b, pipeline: tests, params: {image: "${ref('a.result.x')}"}}]`],
    /the call b uses \$\{calls\.a\.result\.x\}, but a reference is/,
  ],
  [
    'one bad call among good ones',
    ['--calls=[{name: a, pipeline: plain}, {name: b, pipeline: tests}]'],
    /the call of tests does not fit: missing param image/,
  ],
] as const) {
  test(`nothing is created for ${what}`, async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addPipeline(kube, 'tests', { params: [{ name: 'image' }] });
    addPipeline(kube, 'spaces', { workspaces: [{ name: 'source' }] });
    for (const name of ['plain', 'main']) addPipeline(kube, name);
    const annotations = expected === undefined ? { 'subpipe.dev/call-chain': '["ci/first","ci/main"]' } : {};
    const { env } = addCaller(kube, {
      parent: { metadata: { name: 'main', annotations }, spec: { pipelineRef: { name: 'main' } } },
    });
    const { code, stderr } = await cluster.run(subpipe, ['--logs=none', ...flags], { env });
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected ?? /the call is 2 deep, and max-depth is 1: ci\/first → ci\/main → ci\/plain/);
    assert.equal(kube.count({ verb: 'create' }), 0);
  });
}

test('a file of the workspace is called, with Tasks beside it inlined', async () => {
  await using cluster = await makeCluster();
  await cluster.folder.write(
    'src/ci/pipelines.yaml',
    'apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: one}\nspec: {tasks: [{name: unit, taskRef: {name: unit}}, {name: far, taskRef: {name: far}}]}\n---\napiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: two}\nspec: {}\n',
  );
  await cluster.folder.write(
    'src/ci/unit.yaml',
    'apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: unit}\nspec: {steps: [{image: x}]}\n',
  );
  const source = `--source=${path.join(cluster.folder.path, 'src')}`;
  const vague = await cluster.run(subpipe, ['--file=ci/pipelines.yaml', source]);
  assert.equal(vague.code, 2);
  assert.match(
    vague.stderr,
    /the file ci\/pipelines\.yaml must hold one Pipeline, but holds one, two\. Pick one with pipeline\./,
  );
  const calling = cluster.run(subpipe, ['--file=ci/pipelines.yaml', '--pipeline=one', source, '--logs=none']);
  const child = await cluster.child(1);
  assert.deepEqual(child.spec.pipelineSpec, {
    tasks: [
      { name: 'unit', taskSpec: { steps: [{ image: 'x' }] } },
      { name: 'far', taskRef: { name: 'far' } },
    ],
  });
  endRun(cluster.kube, child.metadata.name);
  assert.equal((await calling).code, 0);
});

test('a whole PipelineRun is called: its params, and those of the call, once each', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'tests', { params: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] });
  const run =
    '{kind: PipelineRun, metadata: {generateName: x-, labels: {from: run}}, spec: {pipelineRef: {name: tests}, params: [{name: a, value: run}, {name: b, value: run}, {name: c, value: run}]}}';
  const calling = cluster.run(subpipe, [
    `--run=${run}`,
    '--run-spec={params: [{name: b, value: spec}, {name: c, value: spec}]}',
    '--logs=none',
    '--',
    'c=word',
  ]);
  const child = await cluster.child(1);
  assert.deepEqual(
    child.spec.params?.toSorted((x, y) => (x.name < y.name ? -1 : 1)),
    [
      { name: 'a', value: 'run' },
      { name: 'b', value: 'spec' },
      { name: 'c', value: 'word' },
    ],
  );
  assert.equal(child.metadata.labels?.from, 'run');
  endRun(cluster.kube, child.metadata.name);
  assert.equal((await calling).code, 0);
});

interface Request extends KubeObject {
  spec: unknown;
  status?: unknown;
}

/** What Tekton's resolvers do. */
async function resolve(cluster: Cluster, outcome: { yaml: string } | { message: string }): Promise<Request> {
  const { kube } = cluster;
  await kube.until(() => kube.all(resolutionRequests).length === 1);
  const [request] = kube.all<Request>(resolutionRequests);
  assert.ok(request !== undefined);
  const good = 'yaml' in outcome;
  kube.update<Request>(resolutionRequests, request.metadata.name, (object) => {
    object.status = {
      ...(good ? { data: Buffer.from(outcome.yaml).toString('base64') } : {}),
      conditions: [
        { type: 'Succeeded', status: good ? 'True' : 'False', ...(good ? {} : { message: outcome.message }) },
      ],
    };
  });
  return request;
}

const gitRef = '--pipeline-ref={resolver: git, params: [{name: url, value: https://git.example/x}]}';
const fromGit = 'apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: tests}\nspec: {params: [{name: image}]}\n';

test("a resolver's Pipeline is checked by what Tekton resolves, and the request for it is removed", async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  const { env } = addCaller(kube);
  const calling = cluster.run(subpipe, [gitRef, '--logs=none', '--', 'image=x'], { env });
  const request = await resolve(cluster, { yaml: fromGit });
  assert.deepEqual(request.metadata.labels, { 'resolution.tekton.dev/type': 'git' });
  assert.equal(request.metadata.ownerReferences?.[0]?.name, 'main-call');
  const child = await cluster.child(1);
  assert.equal(child.spec.pipelineRef?.resolver, 'git');
  assert.equal(kube.all(resolutionRequests).length, 0);
  endRun(kube, child.metadata.name);
  assert.equal((await calling).code, 0);
});

test('a resolver that fails is bad input with its own words, and so is a Pipeline that does not fit', async () => {
  await using cluster = await makeCluster();
  const failing = cluster.run(subpipe, [gitRef, '--', 'image=x']);
  await resolve(cluster, { message: 'repository not found' });
  const { code, stderr } = await failing;
  assert.equal(code, 2);
  assert.match(stderr, /the Pipeline of the git resolver cannot be resolved: repository not found/);
  const unfit = cluster.run(subpipe, [gitRef]);
  await resolve(cluster, { yaml: fromGit });
  assert.match((await unfit).stderr, /missing param image/);
  assert.equal(cluster.kube.count({ verb: 'create', resource: 'pipelineruns' }), 0);
});

test('an answer to a request for a resolver that is lost does no harm', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  kube.fail({ verb: 'create', resource: 'resolutionrequests' }, { status: 201, lost: true });
  const calling = cluster.run(subpipe, [gitRef, '--logs=none', '--', 'image=x']);
  await kube.seen({ verb: 'watch', resource: 'resolutionrequests' });
  await resolve(cluster, { yaml: fromGit });
  endRun(kube, (await cluster.child(1)).metadata.name);
  assert.equal((await calling).code, 0);
});

test('calls run each after those before it, with their results as params', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'build', { results: [{ name: 'image' }, { name: 'tags', type: 'array' }] });
  addPipeline(kube, 'lint');
  addPipeline(kube, 'deploy', { params: [{ name: 'image' }, { name: 'tags', type: 'array' }, { name: 'note' }] });
  const calls = JSON.stringify([
    {
      name: 'deploy',
      pipeline: 'deploy',
      runAfter: ['lint'],
      params: {
        image: ref('build.results.image'),
        tags: ['x', ref('build.results.tags[*]')],
        note: `${ref('lint.status')} ${ref('lint.run')}`,
      },
    },
    { name: 'build', pipeline: 'build' },
    { name: 'lint', pipeline: 'lint' },
  ]);
  const { env } = addCaller(kube);
  const calling = cluster.run(subpipe, [`--calls=${calls}`, '--logs=none'], { env });
  await cluster.child(2);
  const by = (name: string): PipelineRun =>
    cluster.children().find((run) => callName(run) === name) ?? assert.fail(name);
  endRun(kube, by('build').metadata.name, {
    results: [
      { name: 'image', value: 'i@sha' },
      { name: 'tags', value: ['a', 'b'] },
    ],
  });
  await kube.until(() => kube.watching === 2);
  assert.equal(cluster.children().length, 2);
  endRun(kube, by('lint').metadata.name);
  await cluster.child(3);
  assert.deepEqual(by('deploy').spec.params, [
    { name: 'image', value: 'i@sha' },
    { name: 'tags', value: ['x', 'a', 'b'] },
    { name: 'note', value: `Succeeded ${by('lint').metadata.name}` },
  ]);
  endRun(kube, by('deploy').metadata.name);
  const { code, results } = await calling;
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(results.results ?? ''), {
    deploy: {},
    build: { image: 'i@sha', tags: ['a', 'b'] },
    lint: {},
  });
});

const three = (extra: Record<string, Record<string, unknown>> = {}): string =>
  JSON.stringify(
    ['a', 'b', 'c'].map((name, index) => ({
      name,
      pipeline: 'plain',
      ...(index === 1 ? { runAfter: ['a'] } : {}),
      ...extra[name],
    })),
  );

test('after a failure no new call is made, and those that run go on to their end', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const calling = cluster.run(subpipe, [`--calls=${three()}`, '--logs=none']);
  await cluster.child(2);
  const [a, c] = ['a', 'c'].map(
    (name) => cluster.children().find((run) => callName(run) === name)?.metadata.name ?? '',
  );
  endRun(kube, a ?? '', { status: 'False' });
  await kube.until(() => kube.watching === 1);
  endRun(kube, c ?? '');
  const { code, stderr, results } = await calling;
  assert.equal(code, 1);
  assert.match(stderr, /b is not called, because an earlier call failed\n/);
  assert.deepEqual(JSON.parse(results.statuses ?? ''), { a: 'Failed', b: 'Cancelled', c: 'Succeeded' });
  assert.equal(cluster.children().length, 2);
});

for (const [where, flags, extra] of [
  ['in the list', [], { a: { onFailure: 'continue' } }],
  ['as a flag for all', ['--on-failure=continue'], {}],
] as const) {
  test(`a call with onFailure continue (${where}) stops nobody`, async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addPipeline(kube, 'plain');
    const calling = cluster.run(subpipe, [`--calls=${three(extra)}`, ...flags, '--logs=none']);
    await cluster.child(2);
    for (const run of cluster.children())
      endRun(kube, run.metadata.name, callName(run) === 'a' ? { status: 'False' } : {});
    endRun(kube, (await cluster.child(3)).metadata.name);
    const { code, results } = await calling;
    assert.equal(code, 0);
    assert.equal(results.status, 'Failed');
  });
}

test('a call that cannot be made ends the step, but not before the others have ended', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  kube.admission = (object) => (object.metadata.labels?.['subpipe.dev/call'] === 'c' ? 'quota' : undefined);
  const calling = cluster.run(subpipe, [`--calls=${three()}`, '--logs=none']);
  const { metadata } = await cluster.child(1);
  await kube.until(() => kube.watching === 1);
  assert.equal(
    await Promise.race([calling.then(() => 'ended'), new Promise((resolve) => setTimeout(resolve, 100, 'waits'))]),
    'waits',
  );
  endRun(kube, metadata.name);
  const { code, stderr } = await calling;
  assert.equal(code, 2);
  assert.match(stderr, /denied the request: validation failed: quota/);
  assert.equal(cluster.children().length, 1);
});

test('a result that did not come fails the call that needs it', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'build', { results: [{ name: 'image' }] });
  addPipeline(kube, 'deploy', { params: [{ name: 'image' }] });
  const calls = JSON.stringify([
    { name: 'build', pipeline: 'build' },
    { name: 'deploy', pipeline: 'deploy', params: { image: ref('build.results.image') } },
  ]);
  const calling = cluster.run(subpipe, [`--calls=${calls}`, '--logs=none']);
  endRun(kube, (await cluster.child(1)).metadata.name);
  const { code, stderr, results } = await calling;
  assert.equal(code, 1);
  assert.match(
    stderr,
    /deploy cannot be called: \$\{calls\.build\.results\.image\}: the call build \(Succeeded\) gave no such result/,
  );
  assert.equal(results.reason, 'MissingResult');
});

test('a failed child is tried again as often as asked, each time as a new run', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const calling = cluster.run(subpipe, ['--pipeline=plain', '--retries=2', '--logs=none']);
  for (const attempt of [1, 2, 3]) {
    const { metadata } = await cluster.child(attempt);
    assert.equal(/-r(\d)$/.exec(metadata.name)?.[1], attempt === 1 ? undefined : String(attempt - 1));
    endRun(kube, metadata.name, { status: attempt === 3 ? 'True' : 'False' });
  }
  const { code, results } = await calling;
  assert.equal(code, 0);
  assert.equal(results.status, 'Succeeded');
  assert.equal(cluster.children().length, 3);
  assert.equal(kube.count({ verb: 'create' }), 3);
});

test('retries come to an end', async () => {
  await using cluster = await makeCluster();
  addPipeline(cluster.kube, 'plain');
  const calling = cluster.run(subpipe, ['--pipeline=plain', '--retries=1', '--logs=none']);
  for (const attempt of [1, 2]) endRun(cluster.kube, (await cluster.child(attempt)).metadata.name, { status: 'False' });
  assert.equal((await calling).code, 1);
  assert.equal(cluster.children().length, 2);
});

test('a cancelled caller ends the calls: no retry, no next call', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const { env } = addCaller(kube);
  const calls = three({ c: { runAfter: ['b'] } });
  const calling = cluster.run(subpipe, [`--calls=${calls}`, '--retries=3', '--on-failure=continue', '--logs=none'], {
    env,
  });
  const { metadata } = await cluster.child(1);
  await kube.until(() => kube.watching === 2);
  kube.update<PipelineRun>(pipelineRuns, 'main', (run) => {
    run.spec.status = 'CancelledRunFinally';
  });
  await kube.seen({ verb: 'patch', name: metadata.name });
  endRun(kube, metadata.name, { status: 'False', reason: 'Cancelled' });
  const { stderr } = await calling;
  assert.match(stderr, /b is not called, because the caller was told CancelledRunFinally\n/);
  assert.equal(cluster.children().length, 1);
});

test('a second try of the same TaskRun adopts the child of the first: exactly one child', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const { env } = addCaller(kube);
  const stop = new AbortController();
  const first = cluster.run(subpipe, ['--pipeline=plain', '--logs=none'], { env, signal: stop.signal });
  const { metadata } = await cluster.child(1);
  await kube.until(() => kube.watching === 2);
  kube.update<TaskRun>(taskRuns, 'main-call', (run) => {
    run.status = { ...run.status, conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'ToBeRetried' }] };
  });
  stop.abort(new Error('stopped by SIGTERM'));
  assert.equal((await first).code, 1);
  const second = cluster.run(subpipe, ['--pipeline=plain', '--logs=none'], { env });
  await kube.seen({ verb: 'create', resource: 'pipelineruns' }, 2);
  endRun(kube, metadata.name, { results: [{ name: 'x', value: '1' }] });
  const { code, stderr, results } = await second;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /adopted, an earlier try made it\n/);
  assert.equal(results.results, '{"x":"1"}');
  assert.equal(cluster.children().length, 1);
});

test('pass-params and pass-workspaces hand on what the calling TaskRun got', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'tests', {
    params: [{ name: 'a' }, { name: 'b', type: 'array' }],
    workspaces: [{ name: 'source' }],
  });
  const { env } = addCaller(kube, {
    task: {
      metadata: { name: 'main-call' },
      spec: {
        params: [
          { name: 'pipeline', value: 'tests' },
          { name: 'a', value: 'task' },
          { name: 'b', value: ['1'] },
        ],
        workspaces: [{ name: 'source', persistentVolumeClaim: { claimName: 'c' }, subPath: 's' }],
      },
      status: { taskSpec: { params: [{ name: 'pipeline' }] } },
    },
  });
  const flags = [
    '--pipeline=tests',
    '--pass-params=undeclared',
    '--pass-workspaces=all',
    '--logs=none',
    '--',
    'a=word',
  ];
  const calling = cluster.run(subpipe, flags, { env });
  const { spec, metadata } = await cluster.child(1);
  assert.deepEqual(spec.params, [
    { name: 'b', value: ['1'] },
    { name: 'a', value: 'word' },
  ]);
  assert.deepEqual(spec.workspaces, [{ name: 'source', persistentVolumeClaim: { claimName: 'c' }, subPath: 's' }]);
  endRun(kube, metadata.name);
  assert.equal((await calling).code, 0);
});

test("the child's timeout is capped by what its caller has left", async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const { env } = addCaller(kube, { task: { metadata: { name: 'main-call' }, spec: { timeout: '10m' } } });
  const calling = cluster.run(subpipe, ['--pipeline=plain', '--timeout=1h', '--logs=none'], { env });
  const { spec, metadata } = await cluster.child(1);
  assert.match(spec.timeouts?.pipeline ?? '', /^9m\d+s$/);
  endRun(kube, metadata.name);
  await calling;
});

test('a child in another namespace is made there, and a missing right is named', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain', {}, 'prod');
  const { env } = addCaller(kube);
  const calling = cluster.run(subpipe, ['--pipeline=plain', '--namespace=prod', '--logs=none'], { env });
  const { metadata } = await cluster.child(1);
  assert.equal(metadata.namespace, 'prod');
  endRun(kube, metadata.name, {}, 'prod');
  assert.equal((await calling).code, 0);
  kube.forbid({ verb: 'create', resource: 'pipelineruns' });
  const { code, stderr } = await cluster.run(subpipe, ['--pipeline=plain', '--namespace=prod', '--logs=none']);
  assert.equal(code, 3);
  assert.match(stderr, /needs the verb create on pipelineruns\.tekton\.dev in namespace prod/);
});

test("results of a stub's child go to the files of their names; one that did not come is not written", async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const at = (name: string): string => path.join(cluster.folder.path, 'stub', name);
  const calling = cluster.run(subpipe, [
    '--pipeline=plain',
    '--logs=none',
    `--child-results={url: ${at('url')}, list: ${at('list')}, none: ${at('none')}}`,
  ]);
  endRun(kube, (await cluster.child(1)).metadata.name, {
    results: [
      { name: 'url', value: 'x' },
      { name: 'list', value: ['a'] },
    ],
  });
  assert.equal((await calling).code, 0);
  assert.equal(await readFile(at('url'), 'utf8'), 'x');
  assert.equal(await readFile(at('list'), 'utf8'), '["a"]');
  await assert.rejects(readFile(at('none')));
});

test('results that Tekton would cut are refused by name, and none is written', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const calling = cluster.run(subpipe, ['--pipeline=plain', '--logs=none']);
  endRun(kube, (await cluster.child(1)).metadata.name, { results: [{ name: 'big', value: 'x'.repeat(5000) }] });
  const { code, stderr, results } = await calling;
  assert.equal(code, 1);
  assert.match(
    stderr,
    /the results take \d+ bytes, but the container's termination message holds 4096: results \(\d+ bytes\), /,
  );
  assert.deepEqual(results, {});
});
