import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { tasks } from '../../runtime/kube/resource.ts';
import { validate } from '../../runtime/resolve/check/validate.ts';
import type { Task } from '../../runtime/tekton/types.ts';
import { FakeKube } from '../fakes/kube.ts';
import { subpipe } from '../kubectl/support.ts';
import { resolvedRuns } from '../resolve/support/resolved.ts';
import { makeFolder } from '../support/folder.ts';
import { addPipeline } from '../support/tekton.ts';
import { runOf, task } from './support.ts';

/** The example of tekton-wrap-pipeline's README, as it is there. */
const seed = path.join(import.meta.dirname, 'seed/run.yaml');

const emptyDir = ['-w', '{name: w, emptyDir: {}}'];

test("the custom task's own file becomes a PipelineRun that Tekton takes", async () => {
  const { code, stdout, stderr } = await subpipe(['wrap', '-f', seed]);
  assert.equal(code, 0, stderr);
  const [resolved] = await resolvedRuns(stdout);
  assert.ok(resolved);
  assert.deepEqual(await validate(resolved), []);
  const { metadata, spec } = await runOf(stdout);
  assert.equal(metadata.name, 'run-simple-pipeline');
  assert.deepEqual(spec.params, [{ name: 'git-url', value: 'https://github.com/vdemeester/go-helloworld-app' }]);
  assert.deepEqual(spec.workspaces, [{ name: 'sources', emptyDir: {} }]);
  assert.deepEqual(spec.taskRunTemplate, { serviceAccountName: 'ocipipeline-sa' });
  const [grab, build] = spec.pipelineSpec?.tasks ?? [];
  const repository = 'docker.io/vdemeester/pipelinerun-$(context.pipelineRun.name)-sources';
  assert.deepEqual(grab?.params, [
    { name: 'url', value: '$(params.git-url)' },
    { name: 'subpipe-output-to', value: `${repository}:$(context.pipelineRun.uid).grab-source.output` },
    { name: 'subpipe-output-tag', value: 'latest' },
  ]);
  assert.deepEqual(build?.params, [
    { name: 'subpipe-sources-from', value: ['$(tasks.grab-source.results.subpipe-output)'] },
    { name: 'subpipe-sources-to', value: `${repository}:$(context.pipelineRun.uid).build.sources` },
    { name: 'subpipe-sources-tag', value: 'latest' },
  ]);
  // It is spelt workingdir in the example, which the schemas of Tekton's newer types would drop.
  assert.match(stdout, /workingDir: \$\(workspaces\.sources\.path\)/);
});

test('a CustomRun, its base and names are read as well; flags win', async () => {
  await using folder = await makeFolder();
  const text = (await readFile(seed, 'utf8'))
    .replace('apiVersion: tekton.dev/v1alpha1\nkind: Run', 'apiVersion: tekton.dev/v1beta1\nkind: CustomRun')
    .replace('\n  ref:', '\n  retries: 2\n  customRef:')
    .replace('name: run-simple-pipeline', 'generateName: mine-')
    .replace('  #- name: ocipipeline.base\n  #  value:', '  - name: ocipipeline.base\n    value:');
  const file = await folder.write('run.yaml', text);
  const { code, stdout, stderr } = await subpipe(['wrap', '-f', file, '--target', 'r.test/{{workspace}}', '-n', 'ci']);
  assert.equal(code, 0, stderr);
  const { metadata, spec } = await runOf(stdout);
  assert.equal(metadata.generateName, 'mine-');
  assert.equal(metadata.namespace, 'ci');
  assert.match(stderr, /spec\.retries of the run has no counterpart in a PipelineRun, and is left out/);
  assert.match(stdout, /--base=docker\.io\/vdemeester\/oci-workspace-base:latest/);
  assert.match(JSON.stringify(spec.pipelineSpec), /r\.test\/sources:/);
});

test("a file of the custom task's without a target needs the flag; params of no meaning are told", async () => {
  await using folder = await makeFolder();
  const text = (await readFile(seed, 'utf8')).replace('name: ocipipeline.target', 'name: ocipipeline.cache');
  const file = await folder.write('run.yaml', text);
  const none = await subpipe(['wrap', '-f', file]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /the param ocipipeline\.target, or --target, is missing: expected where images go/);
  const given = await subpipe(['wrap', '-f', file, '--target=r.test/x']);
  assert.equal(given.code, 0, given.stderr);
  assert.match(
    given.stderr,
    /the param ocipipeline\.cache of the run has no counterpart in a PipelineRun, and is left out/,
  );
  assert.match(given.stdout, /r\.test\/x:\$\(context\.pipelineRun\.uid\)\.build\.sources/);
});

test('a Pipeline of the cluster is wrapped with its Tasks, whose defaults stay what they are', async () => {
  await using kube = await FakeKube.start();
  addPipeline(kube, 'build', {
    params: [{ name: 'flags', default: 'of the Pipeline' }],
    workspaces: [{ name: 'w' }],
    tasks: [
      { name: 'clone', taskRef: { name: 'clone' }, workspaces: [{ name: 'w' }] },
      { name: 'other', taskRef: { name: 'is-not-read' }, runAfter: ['clone'] },
    ],
  });
  kube.add<Task>(tasks, {
    metadata: { name: 'clone', namespace: 'ci', labels: { team: 'a' } },
    spec: {
      params: [{ name: 'flags', type: 'string', default: 'of the Task' }],
      ...task('x').taskSpec,
    },
  });
  const { code, stdout, stderr } = await subpipe(['wrap', 'build', '--target=r.test/x', ...emptyDir], { kube });
  assert.equal(code, 0, stderr);
  const { spec } = await runOf(stdout);
  const [clone, other] = spec.pipelineSpec?.tasks ?? [];
  assert.deepEqual(Array.isArray(clone?.params) && clone.params[0], { name: 'flags', value: 'of the Task' });
  assert.deepEqual(clone?.taskSpec?.metadata, { labels: { team: 'a' } });
  assert.deepEqual(other, { name: 'other', taskRef: { name: 'is-not-read' }, runAfter: ['clone'] });
  assert.equal(kube.count({ verb: 'create' }), 0);
});

test('a Task that was referenced keeps its meaning, of the cluster and of the file', async () => {
  const clone = {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: { name: 'clone', namespace: 'ci' },
    spec: {
      params: [{ name: 'flags', type: 'string' as const, default: 'of the Task' }],
      workspaces: [{ name: 'output' }, { name: 'same' }, { name: 'cache', optional: true }],
      steps: [
        {
          name: 'run',
          image: 'x',
          script: '$(workspaces.output.bound) $(workspaces.same.bound) $(workspaces.cache.bound)',
        },
      ],
    },
  };
  const build = {
    apiVersion: 'tekton.dev/v1',
    kind: 'Pipeline',
    metadata: { name: 'build' },
    spec: {
      params: [
        { name: 'flags', default: 'of the Pipeline' },
        { name: 'task', default: 'clone' },
        { name: 'cache', default: 'x' },
      ],
      // Those that nobody binds are not what the Task asks for by the same names.
      workspaces: [
        { name: 'w' },
        { name: 'same' },
        { name: 'output', optional: true },
        { name: 'cache', optional: true },
      ],
      tasks: [
        {
          name: 'clone',
          taskRef: { name: 'clone' },
          workspaces: [{ name: 'output', workspace: 'w' }, { name: 'same' }],
          params: [{ name: 'of', value: 'a $(context.pipeline.name)' }],
        },
      ],
    },
  };
  const run = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { generateName: 'mine-' },
    spec: {
      pipelineRef: { name: 'build' },
      workspaces: ['w', 'same'].map((name) => ({ name, emptyDir: {} })),
    },
  };
  await using kube = await FakeKube.start();
  kube.add<Task>(tasks, clone);
  const ofCluster = structuredClone(build.spec);
  for (const one of ofCluster.tasks) one.taskRef = { name: '$(params.task)' };
  addPipeline(kube, 'build', ofCluster);
  await using folder = await makeFolder();
  const files = await Promise.all(
    [
      [run],
      [build, clone, run],
      [
        build,
        clone,
        {
          apiVersion: 'tekton.dev/v1beta1',
          kind: 'CustomRun',
          metadata: { name: 'c' },
          spec: {
            customRef: { apiVersion: 'tekton.dev/v1alpha1', kind: 'OCIPipeline', name: 'build' },
            params: [{ name: 'ocipipeline.target', value: 'r.test/$(context.pipeline.name)-{{workspace}}' }],
            workspaces: run.spec.workspaces,
          },
        },
      ],
    ].map((documents, index) =>
      folder.write(`${index}/run.yaml`, documents.map((one) => JSON.stringify(one)).join('\n---\n')),
    ),
  );
  for (const [index, file] of files.entries()) {
    const target = index === 2 ? [] : ['--target=r.test/$(context.pipeline.name)-{{workspace}}'];
    const { code, stdout, stderr } = await subpipe(['wrap', '-f', file, ...target], { kube });
    assert.equal(code, 0, stderr);
    const [found] = (await runOf(stdout)).spec.pipelineSpec?.tasks ?? [];
    const params = new Map((Array.isArray(found?.params) ? found.params : []).map(({ name, value }) => [name, value]));
    assert.equal(params.get('flags'), 'of the Task', file);
    assert.equal(params.get('of'), 'a build', file);
    assert.match(String(params.get('subpipe-output-to')), /^r\.test\/build-w:/);
    // Tekton answers them from the Pipeline's workspaces: w is bound, and so is same; cache of the Task is not.
    assert.match(stdout, /script: \$\(workspaces\.w\.bound\) \$\(workspaces\.same\.bound\) false\n/);
    const steps = JSON.stringify(found?.taskSpec?.steps);
    assert.equal([...steps.matchAll(/"subpipe-push-/g)].length, 2);
    const [resolved] = await resolvedRuns(stdout);
    assert.ok(resolved);
    assert.deepEqual(await validate(resolved), []);
  }
});

test('a Task that would mean something else in the run is refused, and one that is not there', async () => {
  await using kube = await FakeKube.start();
  const two = [{ name: 'w' }, { name: 'cache' }];
  addPipeline(kube, 'build', {
    workspaces: two,
    tasks: [{ name: 'clone', taskRef: { name: 'clone' }, workspaces: [{ name: 'w' }] }],
  });
  const argv = [
    'wrap',
    'build',
    '--target=r.test/{{workspace}}',
    '-w',
    '[{name: w, emptyDir: {}}, {name: cache, emptyDir: {}}]',
  ];
  const missing = await subpipe(argv, { kube });
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /the task clone names the Task clone, but namespace ci has none/);
  kube.add<Task>(tasks, {
    metadata: { name: 'clone', namespace: 'ci' },
    spec: {
      workspaces: [{ name: 'w' }, { name: 'cache', optional: true }],
      steps: [{ name: 's', image: 'x', script: 'ls $(workspaces.cache.path)' }],
    },
  });
  const other = await subpipe(argv, { kube });
  assert.equal(other.code, 2);
  assert.match(other.stderr, /leaves out the workspace cache of its Task clone, but the run has one of this name/);
});

test('what --run-spec says of pods is merged with what the file says, for users as well', async () => {
  await using folder = await makeFolder();
  const run = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name: 'r' },
    spec: {
      pipelineSpec: { workspaces: [{ name: 'w' }], tasks: [task('a')] },
      workspaces: [{ name: 'w', emptyDir: {} }],
      taskRunTemplate: { podTemplate: { securityContext: { runAsUser: 1000 } } },
    },
  };
  const file = await folder.write('run.yaml', JSON.stringify(run));
  const more = '{taskRunTemplate: {podTemplate: {nodeSelector: {arch: arm}}}}';
  const { stdout, stderr } = await subpipe(['wrap', '-f', file, '--target=r.test/x', '--run-spec', more]);
  const { spec } = await runOf(stdout);
  assert.deepEqual(
    spec.taskRunTemplate?.podTemplate,
    { securityContext: { runAsUser: 1000 }, nodeSelector: { arch: 'arm' } },
    stderr,
  );
  assert.doesNotMatch(JSON.stringify(spec.pipelineSpec), /"runAsUser":0/);
});

test('with --create the run is made and followed', async () => {
  await using kube = await FakeKube.start();
  addPipeline(kube, 'build', { workspaces: [{ name: 'w' }], tasks: [task('clone')] });
  kube.fail({ verb: 'create' }, { status: 403 });
  const { code, stderr } = await subpipe(['wrap', 'build', '--target=r.test/x', '--create', ...emptyDir], { kube });
  assert.equal(code, 3);
  assert.match(stderr, /cannot create pipelineruns/);
});

test('what cannot be wrapped is told by flag', async () => {
  await using kube = await FakeKube.start();
  addPipeline(kube, 'build', { workspaces: [{ name: 'w' }], tasks: [task('clone')] });
  const wrap = async (...argv: string[]) => (await subpipe(['wrap', ...argv], { kube })).stderr;
  assert.match(await wrap('build', ...emptyDir), /--target is missing: expected where images go/);
  assert.match(await wrap('build', '--base=x', ...emptyDir), /--base says how .* expected --target/);
  assert.match(await wrap('build', '--target=r.test/x', '--user=me', ...emptyDir), /--user must be a user ID or image/);
  assert.match(await wrap('build', '--target=r.test/x', '--images=y', ...emptyDir), /--images must have \{\{step\}\}/);
  const claim = '{name: w, persistentVolumeClaim: {claimName: c}}';
  assert.match(await wrap('build', '--target=r.test/x', '-w', claim), /no workspace of build is bound to an emptyDir/);
  assert.match(await wrap(), /there is nothing to wrap/);
});
