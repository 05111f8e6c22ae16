import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startArtifactHub } from '../fakes/hub.ts';
import { serve } from '../support/http-server.ts';
import { blocksOf, root } from '../support/markdown.ts';
import { commandLines } from '../support/programs.ts';
import { apply } from './support/apply.ts';
import { testNamespace } from './support/namespace.ts';
import { childrenOf, ended, logOf, resultsOf, run, verdict } from './support/runs.ts';
import { createdRuns, type User, userOf, withImages } from './support/user.ts';

const example = 'examples/pac-repo';

describe('examples/pac-repo on the cluster', { concurrency: 2 }, () => {
  it('runs with the commands of its README, one PipelineRun for each event', async (t) => {
    const { namespace, user } = await start(t);
    await user.shell('kubectl delete serviceaccount/subpipe role/subpipe rolebinding/subpipe');
    const readme = `${example}/README.md`;
    const blocks = blocksOf(await readFile(path.join(root, readme), 'utf8'), readme);
    const runs: string[] = [];
    for (const command of blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => commandLines(text)))
      runs.push(...createdRuns(await user.shell(command, example)));
    const [pullRequest = '', push = '', tag = '', docs = ''] = runs;
    assert.deepEqual(runs.map(kindOf), ['pull-request', 'push', 'tag', 'docs']);
    await assertSucceeded(namespace, runs);
    assert.match(await logOf(namespace, pullRequest, 'greet'), /^ACME checks feature for main$/m);
    assert.match(
      await logOf(namespace, pullRequest, 'summary'),
      /^https:\/\/git.example.com\/acme\/pac-repo: Succeeded$/m,
    );
    assert.match(await logOf(namespace, push, 'release'), /\[release\/publish\/run\] publishing main$/m);
    assert.match(await logOf(namespace, tag, 'publish'), /^publishing v1\.2$/m);
    assert.match(await logOf(namespace, docs, 'links'), /^checking the links of: Say how to install it$/m);
  });

  it('runs whole, without an event, by kubectl subpipe resolve and kubectl create', async (t) => {
    const { namespace, user } = await start(t);
    await user.shell('kubectl create -f ci/release.yaml', example);
    const given = '-p revision=one -p repo_url=https://git.example.com/acme/pac-repo -p git_tag=v2 -p company=ACME';
    const said = await user.shell(`kubectl subpipe resolve -f .tekton ${given} | kubectl create -f -`, example);
    const runs = createdRuns(said);
    assert.deepEqual(runs.map(kindOf).sort(), ['docs', 'pull-request', 'push', 'tag']);
    await assertSucceeded(namespace, runs);
  });

  it('is resolved by the Task pac-resolve from a workspace, which starts the runs of an event for subpipe-wait', async (t) => {
    const { namespace, user } = await start(t);
    await user.shell('kubectl create -f ci/release.yaml', example);
    const items = await configMapOf(namespace, path.join(user.folder, example));
    const done = await run(namespace, resolveInPod(items));
    assert.equal(verdict(done), 'True Succeeded');
    const [pushed] = await childrenOf(namespace, 'main');
    assert.ok(pushed, 'pac-resolve has created a run');
    assert.equal(pushed.metadata.annotations?.['pipelinesascode.tekton.dev/original-prname'], 'push');
    assert.equal(verdict(pushed), 'True Succeeded');
    assert.match(await logOf(namespace, pushed.metadata.name, 'unit-tests'), /the unit tests of main have passed/);
    assert.match(
      await logOf(namespace, pushed.metadata.name, 'release'),
      /\[release\/publish\/run\] publishing main$/m,
    );
    assert.match(await logOf(namespace, 'main', 'wait'), /publishing main$/m);
    // What it wrote to the workspace is the same run.
    assert.match(await logOf(namespace, 'main', 'show'), /^ {2}generateName: push-$/m);
  });

  it('starts nothing where the event starts nothing, and nobody waits', async (t) => {
    const { namespace, user } = await start(t);
    const items = await configMapOf(namespace, path.join(user.folder, example));
    const done = await run(namespace, resolveInPod(items, 'dev'));
    assert.equal(verdict(done), 'True Completed');
    assert.deepEqual(
      done.status?.skippedTasks?.map(({ name }) => name),
      ['wait'],
    );
    assert.deepEqual(await resultsOf(namespace, 'main', 'resolve'), { runs: [], count: '0' });
    assert.match(await logOf(namespace, 'main', 'resolve'), /the event starts no PipelineRun/);
  });

  it('is resolved by the StepAction in a Task of somebody else, whose second try finds the runs of the first', async (t) => {
    const { namespace, user } = await start(t);
    await user.shell('kubectl create -f ci/release.yaml', example);
    const items = await configMapOf(namespace, path.join(user.folder, example));
    const done = await run(namespace, resolveTwice(items));
    assert.equal(verdict(done), 'True Succeeded');
    const created = (await childrenOf(namespace, 'main')).filter(({ spec }) => spec.pipelineRef?.name !== 'release');
    assert.equal(created.length, 1);
    const [name = ''] = created.map(({ metadata }) => metadata.name);
    assert.match(await logOf(namespace, 'main', 'resolve'), new RegExp(`${name} adopted, an earlier try made it`));
    await assertSucceeded(namespace, [name]);
  });
});

describe('our own Tasks by annotation', () => {
  it('are fetched by their URL, and call a Pipeline', async (t) => {
    const { namespace, user } = await start(t);
    await user.shell('kubectl create -f ci/release.yaml', example);
    const text = withImages(await readFile(path.join(root, 'tasks/subpipe/subpipe.yaml'), 'utf8'));
    await using server = await serve((request, response) => {
      if (request.url === '/tasks/subpipe/subpipe.yaml') response.end(text);
      else response.writeHead(404).end();
    });
    await user.shell('kubectl delete task/subpipe');
    const file = path.join(user.folder, example, '.tekton/push.yaml');
    const edited = (await readFile(file, 'utf8')).replace(
      'ci/subpipe.yaml',
      `${server.url}/tasks/subpipe/subpipe.yaml`,
    );
    await writeFile(file, edited);
    const said = await user.shell(
      'kubectl subpipe resolve -f .tekton --event push --target-branch main -p revision=two | kubectl create -f -',
      example,
    );
    const [name = ''] = createdRuns(said);
    await assertSucceeded(namespace, [name]);
    assert.equal(server.seen.length, 1);
    const [child] = await childrenOf(namespace, name);
    assert.equal(child?.spec.pipelineRef?.name, 'release');
    assert.match(await logOf(namespace, name, 'release'), /\[release\/publish\/run\] publishing two$/m);
  });

  it('come from a catalogue by name, and hand results to each other', async (t) => {
    const { namespace, user } = await start(t);
    await user.shell('kubectl create -f ci/release.yaml', example);
    await user.shell('kubectl delete task --all');
    const entry = async (name: string): Promise<[string, string]> => [
      `task/tekton-catalog-tasks/${name}/0.1.0`,
      withImages(await readFile(path.join(root, `tasks/${name}/${name}.yaml`), 'utf8')),
    ];
    const entries = await Promise.all(['subpipe-trigger', 'subpipe-wait'].map(entry));
    await using hub = await startArtifactHub(Object.fromEntries(entries));
    await writeFile(path.join(user.folder, 'called.yaml'), calledByName);
    const said = await user.shell(
      `kubectl subpipe resolve -f called.yaml --catalogs mine=${hub.url} -p revision=three -p repo_url=https://git.example.com/a/b | kubectl create -f -`,
    );
    const [name = ''] = createdRuns(said);
    await assertSucceeded(namespace, [name]);
    assert.match(await logOf(namespace, name, 'wait'), /publishing three$/m);
  });
});

const calledByName = `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: called
  annotations:
    pipelinesascode.tekton.dev/task: "mine://subpipe-trigger"
    pipelinesascode.tekton.dev/task-1: "mine://subpipe-wait:0.1.0"
spec:
  taskRunTemplate: {serviceAccountName: subpipe}
  pipelineSpec:
    tasks:
    - name: trigger
      taskRef: {name: subpipe-trigger}
      params: [{name: pipeline, value: release}, {name: revision, value: "{{ revision }}"}]
    - name: wait
      taskRef: {name: subpipe-wait}
      params: [{name: runs, value: ["$(tasks.trigger.results.runs[*])"]}]
`;

async function start(t: TestContext): Promise<{ namespace: string; user: User }> {
  const namespace = await testNamespace(t, 'pac');
  return { namespace, user: await userOf(t, namespace) };
}

async function assertSucceeded(namespace: string, runs: readonly string[]): Promise<void> {
  for (const done of await Promise.all(runs.map((name) => ended(namespace, name)))) {
    const why = done.status?.conditions?.[0]?.message;
    assert.match(verdict(done), /^True (Succeeded|Completed)$/, `${done.metadata.name}: ${why}`);
  }
}

/** The PipelineRun of the folder that a run was made of. */
function kindOf(name: string): string {
  return name.replace(/-[a-z0-9]{5}$/, '');
}

/** Puts the example's YAML files into a ConfigMap, and gives where each belongs. */
async function configMapOf(namespace: string, folder: string): Promise<{ key: string; path: string }[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.ya?ml$/.test(name));
  const items = names.map((name, index) => ({ key: `file-${index}`, path: name }));
  const texts = items.map(async (item) => [item.key, await readFile(path.join(folder, item.path), 'utf8')]);
  const data = Object.fromEntries(await Promise.all(texts));
  await apply(namespace, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'repository' }, data });
  return items;
}

/** A checkout on a volume, which pac-resolve (user 65532) may read and write; each step has the rights of its own Role. */
function resolveInPod(items: { key: string; path: string }[], branch = 'main'): string {
  return `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec:
  taskRunSpecs:
  - {pipelineTaskName: resolve, serviceAccountName: pac-resolve}
  - {pipelineTaskName: wait, serviceAccountName: subpipe-wait}
  workspaces:
  - {name: files, configMap: {name: repository, items: ${JSON.stringify(items)}}}
  - name: source
    volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 16Mi}}}}
  pipelineSpec:
    workspaces: [{name: files}, {name: source}]
    tasks:
    - name: checkout
      workspaces: [{name: files}, {name: source}]
      taskSpec:
        workspaces: [{name: files}, {name: source}]
        steps:
        - name: copy
          image: SHELL_IMAGE
          command: [sh, -c, 'cd $(workspaces.files.path) && cp -RL .tekton ci $(workspaces.source.path) && chmod a+rwx $(workspaces.source.path)']
    - name: resolve
      runAfter: [checkout]
      taskRef: {name: pac-resolve}
      workspaces: [{name: source}]
      params:
      - {name: event, value: push}
      - {name: target-branch, value: ${branch}}
      - {name: params, value: ["revision=main"]}
      - {name: output, value: resolved/all.yaml}
      - {name: create, value: "true"}
    - name: wait
      when: [{input: $(tasks.resolve.results.count), operator: notin, values: ["0"]}]
      taskRef: {name: subpipe-wait}
      params: [{name: runs, value: ["$(tasks.resolve.results.runs[*])"]}]
    - name: show
      runAfter: [resolve]
      workspaces: [{name: source}]
      taskSpec:
        workspaces: [{name: source}]
        steps: [{name: show, image: SHELL_IMAGE, command: [cat, $(workspaces.source.path)/resolved/all.yaml]}]
`;
}

/** The repository is a read-only ConfigMap, and the step behind pac-resolve fails in the first try. */
function resolveTwice(items: { key: string; path: string }[]): string {
  return `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec:
  taskRunTemplate: {serviceAccountName: pac-resolve}
  workspaces:
  - {name: source, configMap: {name: repository, items: ${JSON.stringify(items)}}}
  pipelineSpec:
    workspaces: [{name: source}]
    tasks:
    - name: resolve
      retries: 1
      workspaces: [{name: source}]
      taskSpec:
        workspaces: [{name: source}]
        steps:
        - name: resolve
          ref: {name: pac-resolve}
          params:
          - {name: source, value: $(workspaces.source.path)}
          - {name: event, value: push}
          - {name: target-branch, value: main}
          - {name: params, value: ["revision=main"]}
          - {name: create, value: "true"}
        - {name: fail-once, image: SHELL_IMAGE, command: [sh, -c, '[ $(context.task.retry-count) -gt 0 ]']}
`;
}
