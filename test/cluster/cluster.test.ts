import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { collectionOf } from './api.ts';
import { cached } from './build.ts';
import { parseCommand } from './command.ts';
import { commandOf } from './components.ts';
import { foldersOf, writeLayout } from './image.ts';
import { fullName, named } from './load.ts';
import { withLock } from './lock.ts';
import { networkCount, networkOf } from './network.ts';
import { identify, isAlive, kill, parseStat, run } from './process.ts';
import { progressTo } from './progress.ts';
import { whatIsMissing } from './requirements.ts';
import { settingsFrom } from './settings.ts';
import { clearState, prepareState } from './state.ts';
import { configure, type KubeObject, render, withIndentedBrackets } from './tekton.ts';

const onLinux = { skip: process.platform === 'linux' ? false : 'needs /proc' };

describe('the command line', () => {
  it('reads what "up" takes', () => {
    const args = ['up', '--tekton=1.12.1', '--feature', 'enable-api-fields=alpha', '--feature', 'coschedule=disabled'];
    assert.deepEqual(parseCommand(args), {
      name: 'up',
      tekton: '1.12.1',
      features: { 'enable-api-fields': 'alpha', coschedule: 'disabled' },
      defaults: {},
    });
    assert.deepEqual(parseCommand(['up']), { name: 'up', tekton: '1.15.0', features: {}, defaults: {} });
  });

  const refused: [string[], RegExp][] = [
    [[], /no command came/],
    [['start'], /"start" came/],
    [['up', '--tekton', '1.0.0'], /one of 1\.15\.0, 1\.12\.1, 1\.9\.0, but "1\.0\.0" came/],
    [['up', '--feature', 'alpha'], /KEY=VALUE, but "alpha" came/],
    [['up', '--nodes=3'], /--nodes=3 is no flag/],
    [['down', '--tekton', '1.9.0'], /--tekton is a flag of "up"/],
    [['load'], /one file or folder, but 0 came/],
    [['status', 'please'], /"please" came/],
  ];
  for (const [args, message] of refused) {
    it(`refuses "${args.join(' ')}" with exit code 2`, () => {
      assert.throws(() => parseCommand(args), { message, exitCode: 2 });
    });
  }
});

describe('what a machine needs', () => {
  const machine = { platform: 'linux', arch: 'x64', uid: 0, missing: [] };

  it('is said in one sentence', () => {
    assert.equal(whatIsMissing(machine), undefined);
    assert.match(whatIsMissing({ ...machine, platform: 'darwin' }) ?? '', /^The test cluster runs on Linux only.*\.$/);
    assert.match(whatIsMissing({ ...machine, uid: 1000 }) ?? '', /^The test cluster must be run by root.*\.$/);
    assert.match(
      whatIsMissing({ ...machine, missing: ['runc', 'etcd-server'] }) ?? '',
      /"apt-get install -y --no-install-recommends runc etcd-server"\.$/,
    );
  });
});

describe('settings', () => {
  it('give clusters with different numbers their own folders and addresses', () => {
    const [first, second] = ['0', '1'].map((index) =>
      settingsFrom({ SUBPIPE_CACHE: '/c', SUBPIPE_CLUSTER_INDEX: index }),
    );
    assert.equal(first?.state, '/c/cluster');
    assert.equal(second?.state, '/c/cluster-1');
    assert.equal(first?.network.node, '198.18.255.1');
    assert.equal(second?.network.node, '198.18.255.5');
  });

  it('refuse a number that is out of range', () => {
    assert.throws(() => settingsFrom({ SUBPIPE_CLUSTER_INDEX: '15' }), { exitCode: 2 });
    assert.throws(() => settingsFrom({ SUBPIPE_CLUSTER_INDEX: 'one' }), { exitCode: 2 });
  });
});

describe('networks', () => {
  it('stay within 198.18.0.0/15 and apart from each other', () => {
    const all = Array.from({ length: networkCount }, (_, index) => networkOf(index));
    for (const key of ['device', 'node', 'host', 'pods', 'services'] as const) {
      assert.equal(new Set(all.map((network) => network[key])).size, networkCount);
    }
    // Nodes are in 198.18.240.0/20, which no pods' network reaches into.
    assert.equal(all.at(-1)?.pods, '198.18.224.0/20');
    assert.equal(all.at(-1)?.services, '198.19.224.0/20');
  });

  it('are what the components are told', () => {
    const network = networkOf(2);
    assert.ok(commandOf('apiserver', network).includes('--service-cluster-ip-range=198.19.32.0/20'));
    assert.ok(commandOf('proxy', network).includes('--cluster-cidr=198.18.32.0/20'));
  });
});

describe('processes', () => {
  it('are read from /proc whatever their name is', () => {
    const fields = ['S', ...Array.from({ length: 18 }, (_, index) => String(index)), '4711', 'rest'];
    assert.deepEqual(parseStat(`12 (a) b (c) ${fields.join(' ')}`), { state: 'S', startTime: '4711' });
    assert.equal(parseStat(''), undefined);
  });

  it('are killed only if they are the ones that were identified', onLinux, async () => {
    const sleeper = spawn('sleep', ['30']);
    const ended = once(sleeper, 'exit');
    const identity = await identify(sleeper.pid ?? 0);
    assert.ok(identity);
    await kill({ ...identity, startTime: '1' });
    assert.equal(await isAlive(identity), true);
    await kill(identity);
    assert.equal(await isAlive(identity), false);
    assert.deepEqual(await ended, [null, 'SIGKILL']);
  });

  it('that fail are reported with what they said', async () => {
    await assert.rejects(run('sh', ['-c', 'echo it broke >&2; exit 3']), /ended with 3: it broke/);
  });
});

describe('the lock', onLinux, () => {
  it('refuses a second command, and is taken over from a dead one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-lock-'));
    const path = join(folder, 'cluster.lock');
    await withLock(path, 'up', async () => {
      await assert.rejects(
        withLock(path, 'down', async () => {}),
        /"npm run cluster -- up" \(process \d+\) is at work on this cluster/,
      );
    });
    await writeFile(path, JSON.stringify({ pid: process.pid, startTime: '1', boot: 'earlier', command: 'up' }));
    assert.equal(await withLock(path, 'up', async () => 'taken over'), 'taken over');
    await rm(folder, { recursive: true });
  });
});

describe('the state folder', onLinux, () => {
  it('is not taken where somebody else has files, nor cleared', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-state-'));
    await writeFile(join(folder, 'thesis.txt'), 'precious');
    await assert.rejects(prepareState(folder), /holds files that no cluster made/);
    await clearState(folder);
    assert.equal(await readFile(join(folder, 'thesis.txt'), 'utf8'), 'precious');
    await rm(folder, { recursive: true });
  });

  it('keeps the logs when it is cleared', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-state-'));
    await prepareState(folder);
    await writeFile(join(folder, 'logs/etcd.log'), 'line');
    await writeFile(join(folder, 'record.json'), '{}');
    await clearState(folder);
    await assert.rejects(readFile(join(folder, 'record.json')), { code: 'ENOENT' });
    assert.equal(await readFile(join(folder, 'logs/etcd.log'), 'utf8'), 'line');
    await rm(folder, { recursive: true });
  });
});

describe('the cache', () => {
  it('makes a folder once for each key, and not at all where that fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-cache-'));
    const made = join(folder, 'thing');
    let times = 0;
    const make = async (draft: string) => {
      times += 1;
      await writeFile(join(draft, 'content'), String(times));
    };
    await cached(made, 'a', make);
    await cached(made, 'a', make);
    assert.equal(times, 1);
    await assert.rejects(
      cached(made, 'b', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await readFile(join(made, 'content'), 'utf8'), '1');
    await cached(made, 'b', make);
    assert.equal(await readFile(join(made, 'content'), 'utf8'), '2');
    await rm(folder, { recursive: true });
  });
});

describe("Tekton's manifests", () => {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'tekton-pipelines-remote-resolvers', labels: { version: 'devel' } },
    spec: {
      template: {
        spec: {
          containers: [
            {
              image: 'ko://github.com/tektoncd/pipeline/cmd/resolvers',
              args: ['-shell-image', 'cgr.dev/chainguard/busybox@sha256:19f0'],
              readinessProbe: { initialDelaySeconds: 5, periodSeconds: 10, timeoutSeconds: 5 },
            },
          ],
        },
      },
    },
  };

  it('get our images, the version and quick probes', () => {
    const text = JSON.stringify(render(deployment, '1.9.0'));
    assert.match(text, /localhost\/tekton\/resolvers:v1\.9\.0/);
    assert.match(text, /"-shell-image","localhost\/busybox:1"/);
    assert.match(text, /"version":"v1\.9\.0"/);
    assert.match(text, /"initialDelaySeconds":0,"periodSeconds":1,"timeoutSeconds":5/);
    assert.match(text, /SSL_CERT_FILE/);
    assert.doesNotMatch(text, /ko:|devel|chainguard/);
  });

  it('get the options of the cluster and the certificate of its registry', () => {
    const map = (name: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'tekton-pipelines' },
      data: { kept: 'yes' },
    });
    const options = { features: { 'enable-api-fields': 'alpha' }, defaults: { 'default-timeout-minutes': '5' } };
    const objects = configure(
      [map('feature-flags'), map('config-defaults'), map('config-registry-cert')],
      options,
      'PEM',
    );
    assert.deepEqual(
      objects.map(({ data, metadata }) => [metadata.namespace, data]),
      [
        ['tekton-pipelines', { kept: 'yes', 'enable-api-fields': 'alpha' }],
        ['tekton-pipelines', { kept: 'yes', 'default-timeout-minutes': '5' }],
        ['tekton-pipelines', { kept: 'yes', cert: 'PEM' }],
        ['tekton-pipelines-resolvers', { kept: 'yes', cert: 'PEM' }],
      ],
    );
  });

  it('may close brackets at the depth of their key', () => {
    assert.equal(withIndentedBrackets('args: [\n  a,\n]\nb: 1\n'), 'args: [\n  a,\n  ]\nb: 1\n');
  });

  it('are created in the right collections', () => {
    const object = (apiVersion: string, kind: string, namespace?: string): KubeObject => ({
      apiVersion,
      kind,
      metadata: { name: 'x', ...(namespace === undefined ? {} : { namespace }) },
    });
    assert.equal(collectionOf(object('v1', 'ConfigMap', 'n')), '/api/v1/namespaces/n/configmaps');
    assert.equal(collectionOf(object('storage.k8s.io/v1', 'StorageClass')), '/apis/storage.k8s.io/v1/storageclasses');
    assert.equal(
      collectionOf(object('networking.k8s.io/v1', 'NetworkPolicy', 'n')),
      '/apis/networking.k8s.io/v1/namespaces/n/networkpolicies',
    );
  });
});

describe('images', () => {
  it('are written as an OCI layout, the same for the same files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-image-'));
    const image = {
      name: 'localhost/tool:1',
      entrypoint: ['/bin/tool'],
      files: [
        { path: 'bin/tool', source: import.meta.filename },
        { path: 'bin/alias', link: 'tool' },
        { path: 'etc/passwd', text: 'root' },
      ],
    };
    await writeLayout(join(folder, 'a'), [image]);
    await writeLayout(join(folder, 'b'), [image]);
    const [a, b] = await Promise.all(['a', 'b'].map((name) => readFile(join(folder, name, 'index.json'), 'utf8')));
    assert.equal(a, b);
    assert.match(a ?? '', /"io\.containerd\.image\.name":"localhost\/tool:1"/);
    await rm(folder, { recursive: true });
  });

  it('have their folders, parents first', () => {
    assert.deepEqual(foldersOf([{ path: 'a/b/c' }, { path: 'a/d' }, { path: 'tmp/e' }]), ['a', 'a/b']);
  });

  it('are loaded by the full name that the layout gives', () => {
    const names: string[] = [];
    const index = named(
      JSON.stringify({ manifests: [{ annotations: { 'org.opencontainers.image.ref.name': 'subpipe/wait:1' } }] }),
      names,
    );
    assert.deepEqual(names, ['docker.io/subpipe/wait:1']);
    assert.match(index, /"io\.containerd\.image\.name":"docker\.io\/subpipe\/wait:1"/);
    assert.throws(() => named('{"manifests":[{}]}', []), { exitCode: 2, message: /named by nothing/ });
    assert.throws(() => named('{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"1.0"}}]}', []), {
      exitCode: 2,
      message: /named "1\.0" only/,
    });
  });

  it('have full names by the rules of container engines', () => {
    assert.equal(fullName('busybox'), 'docker.io/library/busybox:latest');
    assert.equal(fullName('localhost/a'), 'localhost/a:latest');
    assert.equal(fullName('198.18.255.1:5000/a/b:2'), '198.18.255.1:5000/a/b:2');
    assert.equal(fullName('a/b@sha256:00'), 'docker.io/a/b@sha256:00');
  });
});

describe('progress', () => {
  it('is one steady line a stage in a log', async () => {
    let text = '';
    const progress = progressTo({ write: (part) => (text += part) });
    await progress.stage('first', async () => {});
    await assert.rejects(progress.stage('second', () => Promise.reject(new Error('no'))));
    assert.match(text, /^ *\d\.\d s {2}first \(\d\.\d s\)\n *\d\.\d s {2}second failed \(\d\.\d s\)\n$/);
  });

  it('is shown in place on a terminal', async () => {
    let text = '';
    const progress = progressTo({ isTTY: true, columns: 40, write: (part) => (text += part) });
    await progress.stage('first', async () => {});
    assert.match(text.replaceAll('\u001b', 'ESC'), /^… first 0\.0 s\nESC\[1AESC\[J *\d\.\d s {2}first/);
  });
});
