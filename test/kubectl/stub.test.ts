import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Caller } from '../../runtime/call/caller.ts';
import { callParams, callsOf } from '../../runtime/call/params.ts';
import { readParams } from '../../runtime/flags.ts';
import { pipelines, tasks } from '../../runtime/kube/resource.ts';
import type { Pipeline, Task } from '../../runtime/tekton/types.ts';
import { parseYaml } from '../../runtime/yaml.ts';
import { FakeKube } from '../fakes/kube.ts';
import { makeFolder } from '../support/folder.ts';
import { subpipe } from './support.ts';

const unit: Task = {
  metadata: { name: 'unit' },
  spec: {
    results: [
      { name: 'url' },
      { name: 'reports', type: 'array' },
      { name: 'totals', type: 'object', properties: { passed: {}, failed: {} } },
    ],
  },
};

const pipeline: Pipeline = {
  metadata: { name: 'tests' },
  spec: {
    description: 'Runs the tests.',
    params: [
      { name: 'image', type: 'string', description: 'What to test.' },
      { name: 'suites', default: ['unit'] },
      { name: 'target', properties: { zone: {}, region: {} } },
      { name: 'level', type: 'string', enum: ['low', 'high'], default: 'low' },
    ],
    workspaces: [{ name: 'source' }, { name: 'cache', optional: true }],
    results: [
      { name: 'url', value: '$(tasks.unit.results.url)' },
      { name: 'reports', value: '$(tasks.unit.results.reports[*])' },
      { name: 'totals', value: '$(tasks.unit.results.totals[*])' },
      { name: 'picked', value: { a: '$(tasks.unit.results.url)' } },
      { name: 'each', value: '$(tasks.many.results.out[*])' },
      { name: 'dotted.name', type: 'string', value: '$(tasks.unit.results.url)' },
    ],
    tasks: [
      { name: 'unit', taskRef: { name: 'unit' } },
      { name: 'many', matrix: { params: [] }, taskSpec: { results: [{ name: 'out' }] } },
    ],
  },
};

interface Spec {
  params: { name: string; type: string; default?: unknown }[];
  results: { name: string; type: string; properties?: unknown }[];
  workspaces?: unknown;
  steps: { image: string; args: string[] }[];
}

async function specOf(text: string): Promise<Spec> {
  return ((await parseYaml(text, 'the stub')) as { spec: Spec }).spec;
}

/** A file with the Task and one Pipeline as JSON, which is YAML. */
function fileOf(spec: Pipeline['spec'], name = 'tests'): string {
  const all = [
    { kind: 'Task', ...unit },
    { kind: 'Pipeline', metadata: { name }, spec },
  ];
  return all.map((one) => JSON.stringify({ apiVersion: 'tekton.dev/v1', ...one })).join('\n---\n');
}

describe('subpipe stub', () => {
  it("writes a Task with the params, results and workspaces of the cluster's Pipeline", async () => {
    await using kube = await FakeKube.start();
    kube.add(pipelines, pipeline);
    kube.add(tasks, unit);
    const { code, stdout, stderr } = await subpipe(['stub', 'tests', '--image', 'registry.example/subpipe:1'], {
      kube,
    });
    assert.equal(code, 0, stderr);
    const { params, results, workspaces, steps } = await specOf(stdout);
    const own = (name: string): boolean => name.startsWith('subpipe-');
    assert.deepEqual(
      params.filter(({ name }) => !own(name)),
      [
        { name: 'image', type: 'string', description: 'What to test.' },
        { name: 'suites', type: 'array', default: ['unit'] },
        { name: 'target', type: 'object', properties: { region: { type: 'string' }, zone: { type: 'string' } } },
        { name: 'level', type: 'string', enum: ['low', 'high'], default: 'low' },
      ],
    );
    assert.ok(params.filter(({ name }) => own(name)).every((param) => typeof param.default === 'string'));
    assert.deepEqual(
      results.filter(({ name }) => !own(name)),
      [
        { name: 'url', type: 'string' },
        { name: 'reports', type: 'array' },
        { name: 'totals', type: 'object', properties: { failed: { type: 'string' }, passed: { type: 'string' } } },
        { name: 'picked', type: 'object', properties: { a: { type: 'string' } } },
        { name: 'each', type: 'array' },
        { name: 'dotted.name', type: 'string' },
      ],
    );
    assert.deepEqual(workspaces, [{ name: 'source' }, { name: 'cache', optional: true }]);
    const [step] = steps;
    assert.equal(step?.image, 'registry.example/subpipe:1');
    assert.ok(step?.args.includes('--pipeline=tests'));
    const files = step?.args.find((arg) => arg.startsWith('--child-results='))?.slice('--child-results='.length);
    assert.equal(JSON.parse(files ?? '')['dotted.name'], "$(results['dotted.name'].path)");
  });

  it('writes the same from a file and from standard input, without a cluster', async () => {
    await using folder = await makeFolder({ 'tests.yaml': fileOf(pipeline.spec) });
    await using kube = await FakeKube.start();
    kube.add(pipelines, pipeline);
    kube.add(tasks, unit);
    const withoutHead = (text: string): string => text.split('\n').slice(1).join('\n');
    const [file, stdin, cluster] = await Promise.all([
      subpipe(['stub', '-f', `${folder.path}/tests.yaml`]),
      subpipe(['stub', 'tests', '-f', '-'], { stdin: fileOf(pipeline.spec) }),
      subpipe(['stub', 'tests'], { kube }),
    ]);
    assert.equal(file?.code, 0, file?.stderr);
    assert.equal(withoutHead(stdin.stdout), withoutHead(file.stdout));
    assert.equal(withoutHead(cluster.stdout), withoutHead(file.stdout));
  });

  it('says in its first line how it can be made again', async () => {
    const argv = ['stub', 'tests', '--name=call-tests', '--image=a b', '-f', '-'];
    const { stdout } = await subpipe(argv, { stdin: fileOf(pipeline.spec) });
    assert.equal(stdout.split('\n')[0], "# Made by: npx subpipe stub tests --file=- --name=call-tests --image='a b'");
    assert.match(stdout, /^ {2}name: call-tests$/m);
  });

  it('refuses what it cannot know, and says what to do', async () => {
    const object = { name: 'totals', type: 'object' as const, value: '$(tasks.far.results.totals[*])' };
    const cases: [Pipeline['spec'], RegExp][] = [
      [
        { params: [{ name: 'subpipe-logs' }] },
        /has the param subpipe-logs, but a stub keeps names with subpipe- for itself/,
      ],
      [{ results: [{ name: 'subpipe-status', value: 'x' }] }, /has the result subpipe-status/],
      [
        { results: [object], tasks: [{ name: 'far', taskRef: { resolver: 'git', params: [] } }] },
        /the keys of the result totals cannot be known: the Task of far comes from the resolver git.*as an object/,
      ],
      [
        {
          results: [{ name: 'y', value: '$(tasks.unit.results.none[*])' }],
          tasks: [{ name: 'unit', taskRef: { name: 'unit' } }],
        },
        /the type of the result y cannot be known: the Task of unit has no result none/,
      ],
      [
        {
          results: [{ name: 'y', value: '$(tasks.c.results.z[*])' }],
          tasks: [{ name: 'c', taskRef: { kind: 'Other', name: 'o' } }],
        },
        /the task c is a Other/,
      ],
    ];
    for (const [spec, expected] of cases) {
      const { code, stderr, stdout } = await subpipe(['stub', '-f', '-'], { stdin: fileOf(spec) });
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, expected);
    }
  });

  it('looks for Tasks of other places in the cluster, and says where none is', async () => {
    await using kube = await FakeKube.start();
    kube.add(tasks, { ...unit, metadata: { name: 'unit', namespace: 'shared' } });
    const results = [{ name: 'totals', value: '$(tasks.unit.results.totals[*])' }];
    const params = [
      { name: 'kind', value: 'task' },
      { name: 'name', value: 'unit' },
      { name: 'namespace', value: 'shared' },
    ];
    const byResolver = fileOf({ results, tasks: [{ name: 'unit', taskRef: { resolver: 'cluster', params } }] });
    const found = await subpipe(['stub', '-f', '-'], { stdin: byResolver, kube });
    assert.equal(found.code, 0, found.stderr);
    assert.equal((await specOf(found.stdout)).results[0]?.type, 'object');
    const byName = fileOf({ results, tasks: [{ name: 'unit', taskRef: { name: 'other' } }] });
    const missing = await subpipe(['stub', '-f', '-'], { stdin: byName, kube });
    assert.match(missing.stderr, /there is no Task other, neither in a file nor in namespace ci/);
  });

  it('exits 1 where there is no such Pipeline', async () => {
    await using kube = await FakeKube.start();
    const { code, stderr } = await subpipe(['stub', 'absent'], { kube });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /there is no Pipeline absent in namespace ci\. Name another namespace with -n, or a file with -f/,
    );
  });
});

describe('subpipe stub --check', () => {
  it('names each difference that a caller would notice, and no other', async () => {
    await using folder = await makeFolder();
    const made = await subpipe(['stub', '-f', '-'], { stdin: fileOf(pipeline.spec) });
    const file = await folder.write('task.yaml', made.stdout);
    const check = (spec: Pipeline['spec']) =>
      subpipe(['stub', '-f', '-', '--check', file], { stdin: fileOf({ ...pipeline.spec, ...spec }) });
    const [image, ...params] = pipeline.spec.params ?? [];
    const described = await check({ params: [{ ...image, name: 'image', description: 'Other words.' }, ...params] });
    assert.deepEqual([described.code, described.stderr], [0, '']);
    const cases: [Pipeline['spec'], string][] = [
      [{ params }, 'param image is gone'],
      [{ params: [{ name: 'image', type: 'array' }, ...params] }, 'param image: type was string and is array'],
      [{ params: [{ name: 'image', default: '' }, ...params] }, 'param image: default was unset and is ""'],
      [
        { params: [...(pipeline.spec.params ?? []), { name: 'more' }, { name: 'less', default: 'x' }] },
        'param more, which is required, is new; param less is new',
      ],
      [
        { workspaces: [{ name: 'source', optional: true }] },
        'workspace cache is gone; workspace source: optional was false and is true',
      ],
      [
        { results: [...(pipeline.spec.results ?? []).slice(1, 3), { name: 'picked', value: { b: 'x' } }] },
        'result url is gone; result each is gone; result dotted.name is gone; result picked: properties was ["a"] and is ["b"]',
      ],
    ];
    for (const [spec, expected] of cases) {
      const { code, stderr } = await check(spec);
      assert.equal(code, 1);
      assert.ok(stderr.includes(`does not fit the Pipeline tests any more: ${expected}.`), stderr);
    }
  });

  it('refuses a file that it has not written', async () => {
    await using folder = await makeFolder();
    const file = await folder.write('task.yaml', 'kind: Task\nmetadata: {name: x}\nspec: {}\n');
    const { code, stderr } = await subpipe(['stub', '--check', file]);
    assert.equal(code, 2);
    assert.match(stderr, /is no Task that subpipe stub has written: its annotation subpipe.dev\/stub-of is missing/);
  });
});

describe("a stub's own params", () => {
  it('never go to the child, whatever is passed on', async () => {
    const given = (name: string): { name: string; value: string } => ({ name, value: 'x' });
    const caller: Caller = {
      namespace: 'ci',
      taskRun: 'main-tests',
      pipelineRun: 'main',
      run: { metadata: { name: 'main-tests' }, spec: { params: [given('image'), given('subpipe-timeout')] } },
      parent: undefined,
      deadline: undefined,
    };
    for (const mode of ['all', 'undeclared']) {
      const flags = new Map([
        ['pipeline', ['tests']],
        ['pass-params', [mode]],
      ]);
      const values = await readParams(callParams, flags);
      const [call] = callsOf(values as Parameters<typeof callsOf>[0], caller, { retries: 0, onFailure: 'fail' });
      assert.deepEqual(call?.params, [given('image')]);
    }
  });
});
