import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { type RegistryName, registries, startRegistry } from '../oci/real-registry.ts';
import { root } from '../support/markdown.ts';
import { pushTwentyAtOnce } from '../workspace/parallel.ts';
import { good, makeMachine } from '../workspace/support.ts';
import { apply } from './support/apply.ts';
import { context } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { logOf, resultsOf, run, verdict } from './support/runs.ts';
import { userOf } from './support/user.ts';

const registry = context.imagePrefix.split('/')[0] ?? '';

/** One Task: what it pulls, a script, and a push of what the script has left. Each pod has an emptyDir of its own. */
function task(name: string, given: { from?: string[]; script: string; target: string; more?: object }): object {
  const { from = [], script, target, more = {} } = given;
  const common = [
    { name: 'folder', value: '$(workspaces.source.path)' },
    { name: 'insecure', value: registry },
  ];
  const pull = {
    name: 'pull',
    ref: { name: 'oci-workspace-pull' },
    params: [...common, { name: 'sources', value: from.map((one) => `$(params.${one})`) }],
  };
  const push = {
    name: 'push',
    ref: { name: 'oci-workspace-push' },
    params: [...common, { name: 'target', value: target }],
  };
  return {
    name,
    params: from.map((one) => ({ name: one, value: `$(tasks.${one}.results.image)` })),
    workspaces: [{ name: 'source' }],
    ...more,
    taskSpec: {
      params: from.map((one) => ({ name: one })),
      workspaces: [{ name: 'source' }],
      results: [{ name: 'image', value: '$(steps.push.results.image)' }],
      steps: [
        ...(from.length === 0 ? [] : [pull]),
        {
          name: 'work',
          image: context.shellImage,
          workingDir: '$(workspaces.source.path)',
          command: ['sh', '-ec', script],
        },
        push,
      ],
    },
  };
}

/** A PipelineRun of these Tasks, whose result is the image of the last. */
function pipelineRun(tasks: { name: string }[], last: string): string {
  return JSON.stringify({
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name: 'main' },
    spec: {
      workspaces: [{ name: 'source', emptyDir: {} }],
      pipelineSpec: {
        workspaces: [{ name: 'source' }],
        results: [{ name: 'image', value: `$(tasks.${last}.results.image)` }],
        tasks,
      },
    },
  });
}

/** A PipelineRun of one Task. */
function oneTask(name: string, taskSpec: object, serviceAccountName?: string): string {
  return JSON.stringify({
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name: 'main' },
    spec: { pipelineSpec: { tasks: [{ name, taskSpec }] }, taskRunTemplate: { serviceAccountName } },
  });
}

function imageOf(done: PipelineRun): string {
  const results = (done.status as { results?: { name: string; value: unknown }[] } | undefined)?.results ?? [];
  const value = results.find(({ name }) => name === 'image')?.value;
  assert.ok(typeof value === 'string', JSON.stringify(done.status));
  return value;
}

const tasksOf = (list: object[]) => list as { name: string }[];

describe('workspaces as images, without a volume', { concurrency: 2 }, () => {
  it('the sample: a clone, two Tasks side by side, and one that has what both made', async (t) => {
    const namespace = await testNamespace(t, 'fan-in');
    const sample = await readFile(path.join(root, 'tasks/oci-workspace-push/samples/fan-in.yaml'), 'utf8');
    const insecure = `- {name: insecure, value: "${registry}"}`;
    const yaml = sample
      .replaceAll('docker.io/library/busybox:1.36', context.shellImage)
      .replaceAll('registry.example.com', registry)
      .replaceAll(/^( +)(- name: folder)$/gm, `$1${insecure}\n$1$2`)
      .replace('generateName: fan-in-', 'name: main');
    const done = await run(namespace, yaml);
    assert.equal(verdict(done), 'True Succeeded');
    assert.match(await logOf(namespace, 'main', 'pack'), /print\(42\)\n1\n/);
    await using machine = await makeMachine();
    await good(machine.pull('seen', `--insecure=${registry}`, '--', imageOf(done)));
    const seen = machine.workspace('seen');
    const names = ['.ociignore', 'app.tar', 'dist', 'reports', 'src'];
    assert.deepEqual(readdirSync(seen).sort(), names);
    const { shell } = await userOf(t, namespace);
    const listed = await shell(`kubectl subpipe workspace ls ${imageOf(done)} --insecure=${registry}`);
    assert.deepEqual(listed.match(/[\w.]+/g), names);
  });

  it('a path that parallel Tasks changed differently fails the Task that joins them, by name', async (t) => {
    const namespace = await testNamespace(t, 'conflict');
    const target = `${registry}/${namespace}/app`;
    const tasks = [
      task('first', { script: 'echo 0 > shared; echo 0 > other', target }),
      task('left', { from: ['first'], script: 'echo left > shared', target }),
      task('right', { from: ['first'], script: 'echo right > shared; echo right > other', target }),
      task('join', { from: ['left', 'right'], script: 'false', target }),
    ];
    const done = await run(namespace, pipelineRun(tasksOf(tasks), 'join'));
    assert.equal(verdict(done), 'False Failed');
    assert.match(await logOf(namespace, 'main', 'join'), /changed the same paths differently: shared\. Let parallel/);
  });

  it('a Task that is tried again has the workspace as it was before its first try', async (t) => {
    const namespace = await testNamespace(t, 'again');
    const target = `${registry}/${namespace}/app:again`;
    const flaky =
      'test ! -e junk; cat kept; if [ $(context.task.retry-count) = 0 ]; then touch junk; exit 1; fi; echo 1 > made';
    const tasks = [
      task('first', { script: 'echo 0 > kept', target }),
      task('flaky', { from: ['first'], script: flaky, target, more: { retries: 1 } }),
    ];
    const done = await run(namespace, pipelineRun(tasksOf(tasks), 'flaky'));
    assert.equal(verdict(done), 'True Succeeded');
    await using machine = await makeMachine();
    for (const source of [imageOf(done), target]) {
      await good(machine.pull('seen', `--insecure=${registry}`, '--', source));
      assert.deepEqual(readdirSync(machine.workspace('seen')).sort(), ['kept', 'made']);
      assert.equal(readFileSync(`${machine.workspace('seen')}/kept`, 'utf8'), '0\n');
    }
  });
});

describe('what else is in a pod', { concurrency: 2 }, () => {
  it("a step that Tekton copies no credentials for has the service account's, and shows them nowhere", async (t) => {
    const namespace = await testNamespace(t, 'credentials');
    const password = 'the-password-of-robots';
    const robots = {
      kind: 'Secret',
      metadata: { name: 'robots', annotations: { 'tekton.dev/docker-0': 'http://127.0.0.1:5000' } },
      type: 'kubernetes.io/basic-auth',
      stringData: { username: 'robot', password },
    };
    await apply(namespace, robots, {
      kind: 'ServiceAccount',
      metadata: { name: 'robot' },
      secrets: [{ name: 'robots' }],
    });
    // Beside the step: a registry that lets one user in, and has nothing.
    const letIn = Buffer.from(`robot:${password}`).toString('base64');
    const server = `require('node:http').createServer((request, answer) => {
      const isRobot = request.headers.authorization === 'Basic ${letIn}';
      answer.writeHead(isRobot ? 404 : 401, { 'www-authenticate': 'Basic realm="robots"' });
      answer.end(JSON.stringify({ errors: [{ code: isRobot ? 'MANIFEST_UNKNOWN' : 'UNAUTHORIZED' }] }));
    }).listen(5000);`;
    const image = `${context.imagePrefix}/oci-workspace-pull:${context.imageTag}`;
    const pull = {
      name: 'pull',
      image,
      command: ['/subpipe/oci-workspace-pull'],
      args: ['--folder=/workspace', '--state-folder=/tekton/home/state', '--', '127.0.0.1:5000/team/app:v1'],
      // Tekton copies credentials to the home folder; here it cannot.
      env: [{ name: 'HOME', value: '/proc/nowhere' }],
      volumeMounts: [{ name: 'folder', mountPath: '/workspace' }],
    };
    const sidecar = {
      name: 'registry',
      image,
      command: ['/usr/bin/node', '-e', server],
      readinessProbe: { tcpSocket: { port: 5000 } },
    };
    const taskSpec = { steps: [pull], sidecars: [sidecar], volumes: [{ name: 'folder', emptyDir: {} }] };
    const done = await run(namespace, oneTask('pull', taskSpec, 'robot'));
    assert.equal(verdict(done), 'False Failed');
    const log = await logOf(namespace, 'main', 'pull');
    assert.match(log, /127\.0\.0\.1:5000\/team\/app:v1: there is no tag "v1"/);
    assert.ok(!`${log}${JSON.stringify(done)}`.includes(password));
  });

  it('a sidecar that writes into a file while it is pushed fails the push, which names the file', async (t) => {
    const namespace = await testNamespace(t, 'sidecar');
    const volumeMounts = [{ name: 'folder', mountPath: '/workspace' }];
    const write = 'head -c 200000000 /dev/urandom > /workspace/log; while :; do echo more >> /workspace/log; done';
    const wait = 'while test "$(stat -c %s /workspace/log 2>&1)" -lt 200000000; do sleep 0.2; done';
    const push = {
      name: 'push',
      image: `${context.imagePrefix}/oci-workspace-push:${context.imageTag}`,
      command: ['/subpipe/oci-workspace-push'],
      args: ['--folder=/workspace', `--target=${registry}/${namespace}/app:v1`, `--insecure=${registry}`],
      volumeMounts,
    };
    const taskSpec = {
      steps: [{ name: 'wait', image: context.shellImage, command: ['sh', '-c', wait], volumeMounts }, push],
      sidecars: [{ name: 'writer', image: context.shellImage, command: ['sh', '-c', write], volumeMounts }],
      volumes: [{ name: 'folder', emptyDir: {} }],
    };
    const done = await run(namespace, oneTask('push', taskSpec));
    assert.equal(verdict(done), 'False Failed');
    assert.match(
      await logOf(namespace, 'main', 'push'),
      /log changed while it was read.*Stop what writes into the folder/,
    );
  });
});

describe('what a pod lets the steps do', { concurrency: 2 }, () => {
  it('who may not read or write files is told why; owners are kept where a Task gives root its rights back', async (t) => {
    const namespace = await testNamespace(t, 'rights');
    await apply(namespace, { kind: 'ConfigMap', metadata: { name: 'fixed' }, data: { file: 'text' } });
    const target = `${registry}/${namespace}/app`;
    const rights = { runAsUser: 0, capabilities: { add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] } };
    const keep = { name: 'owner', value: 'keep' };
    const step = (kind: 'pull' | 'push', name: string, ...params: object[]) => ({
      name,
      ref: { name: `oci-workspace-${kind}` },
      params: [
        ...params,
        { name: 'folder', value: '$(workspaces.source.path)' },
        { name: 'insecure', value: registry },
      ],
    });
    const shell = (name: string, script: string) => ({
      name,
      image: context.shellImage,
      workingDir: '$(workspaces.source.path)',
      command: ['sh', '-ec', script],
    });
    const to = { name: 'target', value: `${target}:kept` };
    const owned = 'mkdir a; echo 1 > a/b; chown -R 7:8 a; chmod 700 a; chmod 600 a/b';
    const tasks = {
      private: [shell('work', 'umask 077; echo 1 > secret'), step('push', 'push', { name: 'target', value: target })],
      fixed: [
        step('push', 'push', { name: 'target', value: `${target}:fixed` }),
        step('pull', 'pull', { name: 'sources', value: [`${target}:fixed`] }, { name: 'paths', value: 'file' }),
      ],
      owners: [
        shell('work', owned),
        step('push', 'push', to, keep),
        shell('remove', 'rm -r a'),
        step('pull', 'pull', { name: 'sources', value: [`${target}:kept`] }, keep),
        shell('look', "stat -c '%a %u:%g %n' a a/b"),
      ],
    };
    const spec = {
      workspaces: [
        { name: 'source', emptyDir: {} },
        { name: 'fixed', configMap: { name: 'fixed' } },
      ],
      pipelineSpec: {
        workspaces: [{ name: 'source' }, { name: 'fixed' }],
        tasks: Object.entries(tasks).map(([name, steps]) => ({
          name,
          workspaces: [{ name: 'source', workspace: name === 'fixed' ? 'fixed' : 'source' }],
          taskSpec: {
            workspaces: [{ name: 'source' }],
            ...(name === 'owners' ? { stepTemplate: { securityContext: rights } } : {}),
            steps,
          },
        })),
      },
    };
    const main = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata: { name: 'main' }, spec };
    assert.equal(verdict(await run(namespace, JSON.stringify(main))), 'False Failed');
    const isDenied = /cannot read secret: EACCES.* The step runs as user 65532: .*podTemplate\.securityContext says so/;
    assert.match(await logOf(namespace, 'main', 'private'), isDenied);
    assert.match(await logOf(namespace, 'main', 'fixed'), /EROFS: .*A pull needs a workspace that can be written/);
    assert.match(await logOf(namespace, 'main', 'owners'), /^700 7:8 a\n600 7:8 a\/b$/m);
  });

  it('results are not cut in a pod of many steps: what does not fit is left out, and said', async (t) => {
    const namespace = await testNamespace(t, 'many');
    const value = `${registry}/${namespace}/${'a'.repeat(50)}:${'b'.repeat(80)}`;
    const params = [
      { name: 'folder', value: '/tekton/home' },
      { name: 'state-folder', value: '/workspace/state' },
      { name: 'target', value },
      { name: 'insecure', value: registry },
    ];
    const idle = Array.from({ length: 12 }, (_, at) => {
      return { name: `idle-${at}`, image: context.shellImage, script: 'true' };
    });
    const names = ['image', 'IMAGE_URL', 'IMAGE_DIGEST'];
    const results = names.map((name) => ({ name, value: `$(steps.push.results.${name})` }));
    const push = { name: 'push', ref: { name: 'oci-workspace-push' }, params };
    // Scripts and a working folder each take an init container.
    const stepTemplate = { workingDir: '/workspace/here' };
    const done = await run(namespace, oneTask('many', { results, stepTemplate, steps: [...idle, push] }));
    assert.equal(verdict(done), 'True Succeeded');
    assert.match(
      await logOf(namespace, 'main', 'many'),
      /termination message holds 768: without changed-files, layers/,
    );
    const { image, IMAGE_URL: url, IMAGE_DIGEST: digest } = await resultsOf(namespace, 'main', 'many');
    assert.deepEqual([url, image], [value, `${value.replace(/:b+$/, '')}@${digest}`]);
  });
});

describe('20 processes that push to one tag at once', { concurrency: 1 }, () => {
  for (const name of Object.keys(registries) as RegistryName[]) {
    it(`are all kept by ${name}`, { timeout: 600_000 }, async () => {
      await using running = await startRegistry(name);
      await pushTwentyAtOnce(`${running.host}/team/app:build`);
    });
  }
});
