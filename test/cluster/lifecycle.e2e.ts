// Starts, breaks and ends real clusters beside the one that may be in use: `node --test test/cluster/lifecycle.e2e.ts`.
// Needs root, and Go where nothing is built yet.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeLayout } from './image.ts';
import { baseLayout } from './images.ts';
import { busyboxImage } from './names.ts';
import { registryOf, registryTlsOf } from './network.ts';
import { childrenOf, type Identity, identify, isAlive, kill, run } from './process.ts';
import { readRecord } from './record.ts';
import { filesOf, settingsFrom } from './settings.ts';

const env = { ...process.env, SUBPIPE_CLUSTER_INDEX: '13' };
const settings = settingsFrom(env);
const files = filesOf(settings.state);

type Ended = { code: number; text: string; seconds: number };

function begin(...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const since = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (part: string) => (text += part));
  const ended = once(child, 'close').then(([code]) => ({
    code: Number(code ?? -1),
    text,
    seconds: (performance.now() - since) / 1000,
  }));
  return { child, ended };
}

const cluster = (...args: string[]) => begin(...args).ended;

/** What the cluster could leave behind on the machine. Other clusters' devices may come and go. */
async function traces() {
  const folders = ['/run', '/var/lib', '/var/log', '/etc', '/opt', '/tmp', '/mnt', '/run/netns'];
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const ours = (name: string) => /containerd|kube|cni|etcd|subpipe13|netns/.test(name);
  const rules = await run('iptables-save', []);
  return {
    devices: (await readdir('/sys/class/net')).filter((name) => !/^subpipe(?!13)/.test(name)).sort(),
    mounts: (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4]),
    rules: rules.split('\n').filter((line) => /KUBE|CNI|198\.1[89]/.test(line)),
    folders: names.flatMap((list, index) => list.filter(ours).map((name) => `${folders[index]}/${name}`)),
    controlGroups: (await readdir('/sys/fs/cgroup/memory').catch(() => readdir('/sys/fs/cgroup'))).filter(ours),
    settings: await Promise.all(
      ['net/ipv4/ip_forward', 'kernel/panic', 'kernel/panic_on_oops', 'vm/overcommit_memory'].map((name) =>
        readFile(`/proc/sys/${name}`, 'utf8'),
      ),
    ),
  };
}

/** The process and all below it. */
async function family(pid: number): Promise<Identity[]> {
  const identity = await identify(pid);
  const below = await Promise.all((await childrenOf(pid)).map(family));
  return [...(identity === undefined ? [] : [identity]), ...below.flat()];
}

async function clusterProcesses(): Promise<Identity[]> {
  const record = await readRecord(files.record);
  assert.ok(record?.init);
  return [...(await family(record.init.pid)), ...Object.values(record.components)];
}

async function assertNothingIsLeft(before: Awaited<ReturnType<typeof traces>>, processes: readonly Identity[]) {
  assert.deepEqual(await traces(), before);
  const alive = await Promise.all(processes.map(isAlive));
  assert.deepEqual(
    processes.filter((_, index) => alive[index]),
    [],
  );
  assert.deepEqual(await readdir(settings.state), ['logs']);
}

describe('the life of a cluster', { concurrency: false }, () => {
  let clean: Awaited<ReturnType<typeof traces>>;
  let processes: Identity[] = [];

  before(async () => {
    await cluster('down');
    clean = await traces();
  });
  after(() => cluster('down'));

  it('is refused in one sentence where there is none', async () => {
    for (const command of [['status'], ['load', '.'], ['restart-apiserver']]) {
      const { code, text } = await cluster(...command);
      assert.equal(code, 1);
      assert.match(text.trim(), /^No cluster is up[^\n]*"npm run cluster -- up"[^\n]*\.$/);
    }
    assert.equal((await cluster('down')).code, 0);
  });

  it('begins with "up", while a second "up" is refused', async (t) => {
    const first = begin('up');
    await sleep(500);
    const second = await cluster('up');
    assert.equal(second.code, 1);
    assert.match(second.text, /^"npm run cluster -- up" \(process \d+\) is at work on this cluster/);
    const { code, text, seconds } = await first.ended;
    assert.equal(code, 0, text);
    t.diagnostic(`up took ${seconds.toFixed(1)} s`);
    processes = await clusterProcesses();
    assert.ok(processes.length > 20, `${processes.length} processes`);
  });

  it('goes on when "up" is run again, in no time', async () => {
    const { code, text, seconds } = await cluster('up');
    assert.equal(code, 0);
    assert.match(text, /^The cluster is up already/);
    assert.ok(seconds < 5);
    const other = await cluster('up', '--tekton', '1.9.0');
    assert.equal(other.code, 1);
    assert.match(other.text, /run "npm run cluster -- down" first/);
  });

  it('is described by "status"', async () => {
    const { code, text } = await cluster('status');
    assert.equal(code, 0, text);
    assert.match(text, /kubeconfig +\S+\/cluster-13\/kubeconfig/);
    assert.doesNotMatch(text, /NOT OK/);
  });

  it('takes images from a layout folder and from a tar file, and runs them', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-load-'));
    t.after(() => rm(folder, { recursive: true }));
    const text = (content: string) => ({ path: 'content', text: content });
    const image = (name: string) => ({
      name,
      entrypoint: ['/bin/busybox'],
      files: [{ path: 'bin/busybox', source: '/usr/bin/busybox' }, text(name)],
    });
    await writeLayout(join(folder, 'a'), [image('localhost/loaded-a:1')]);
    await writeLayout(join(folder, 'b'), [image('localhost/loaded-b:1')]);
    await run('tar', ['-cf', join(folder, 'b.tar'), '-C', join(folder, 'b'), '.']);
    assert.equal((await cluster('load', join(folder, 'a'))).text, 'localhost/loaded-a:1\n');
    assert.equal((await cluster('load', join(folder, 'b.tar'))).text, 'localhost/loaded-b:1\n');
    for (const name of ['loaded-a', 'loaded-b']) {
      await kubectl(
        'run',
        name,
        `--image=localhost/${name}:1`,
        '--restart=Never',
        '--command',
        '--',
        '/bin/busybox',
        'cat',
        '/content',
      );
      await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=30s');
      assert.equal(await kubectl('logs', name), `localhost/${name}:1`);
    }
  });

  it('runs a PipelineRun with a claim, a name and images that its registry gives', async () => {
    await pushBusybox('test/busybox', '1');
    const plain = `${registryOf(settings.network)}/test/busybox:1`;
    // No command: Tekton asks the registry for the image's entrypoint, and would not do so without TLS.
    const secure = `${registryTlsOf(settings.network)}/test/busybox:1`;
    const workspaces = [{ name: 'files' }];
    const look = 'nslookup kubernetes.default.svc.cluster.local && echo found > $(workspaces.files.path)/name';
    const run = {
      apiVersion: 'tekton.dev/v1',
      kind: 'PipelineRun',
      metadata: { name: 'all' },
      spec: {
        workspaces: [
          {
            name: 'files',
            volumeClaimTemplate: {
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
            },
          },
        ],
        pipelineSpec: {
          workspaces,
          tasks: [
            {
              name: 'write',
              workspaces,
              taskSpec: {
                workspaces,
                steps: [{ name: 'write', image: plain, script: `#!/bin/sh\nset -e\n${look}\n` }],
              },
            },
            {
              name: 'read',
              workspaces,
              runAfter: ['write'],
              taskSpec: {
                workspaces,
                steps: [{ name: 'read', image: secure, args: ['-c', 'grep found $(workspaces.files.path)/name'] }],
              },
            },
          ],
        },
      },
    };
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-run-'));
    await writeFile(join(folder, 'run.json'), JSON.stringify(run));
    await kubectl('create', '-f', join(folder, 'run.json'));
    await rm(folder, { recursive: true });
    await kubectl('wait', '--for=condition=Succeeded', 'pipelinerun/all', '--timeout=120s').catch(async (cause) => {
      const what = 'pipelineruns,taskruns,pods,persistentvolumeclaims,events';
      throw new Error(`it has not succeeded:\n${await kubectl('get', what, '-A', '-o', 'wide')}`, { cause });
    });
    assert.equal(await kubectl('logs', 'all-read-pod', '-c', 'step-read'), 'found\n');
  });

  it('survives a restart of its API server', async () => {
    const { code, text } = await cluster('restart-apiserver');
    assert.equal(code, 0, text);
    assert.equal((await cluster('status')).code, 0);
  });

  it('is not healthy when a part of it has ended', async () => {
    const record = await readRecord(files.record);
    const registry = (await childrenOf(record?.components.registry?.pid ?? 0))[0];
    const identity = registry === undefined ? undefined : await identify(registry);
    assert.ok(identity);
    await kill(identity);
    const { code, text } = await cluster('status');
    assert.equal(code, 1);
    assert.match(text, /registry answers +NOT OK/);
  });

  it('ends with "down", which leaves nothing', async (t) => {
    processes = [...processes, ...(await clusterProcesses())];
    const { code, text, seconds } = await cluster('down');
    assert.equal(code, 0, text);
    t.diagnostic(`down took ${seconds.toFixed(1)} s`);
    await assertNothingIsLeft(clean, processes);
  });

  it('ends when "up" is interrupted, and leaves nothing', async () => {
    const { child, ended } = begin('up');
    const started = await untilStarted();
    child.kill('SIGINT');
    const { code, text } = await ended;
    assert.equal(code, 1);
    assert.match(text, /Interrupted: all that was started is ended again\.\n$/);
    await assertNothingIsLeft(clean, started);
  });

  it('begins anew after "up" was killed halfway, and after all of its processes were', async (t) => {
    const { child, ended } = begin('up');
    await untilStarted();
    child.kill('SIGKILL');
    await ended;
    const second = await cluster('up');
    assert.equal(second.code, 0, second.text);
    for (const identity of await clusterProcesses()) await kill(identity);
    const third = await cluster('up');
    assert.equal(third.code, 0, third.text);
    t.diagnostic(`up after a crash took ${third.seconds.toFixed(1)} s`);
    assert.equal((await cluster('status')).code, 0);
    processes = await clusterProcesses();
    assert.equal((await cluster('down')).code, 0);
    await assertNothingIsLeft(clean, processes);
  });
});

/** Puts the harness's own busybox into the registry; distribution-spec, "Pushing". */
async function pushBusybox(repository: string, tag: string): Promise<void> {
  const layout = baseLayout(settings.cache);
  const base = `http://${registryOf(settings.network)}/v2/${repository}`;
  const blob = ({ digest }: { digest: string }) =>
    readFile(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)));
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
  const descriptor = index.manifests.find((each: { annotations: Record<string, string> }) =>
    Object.values(each.annotations).includes(busyboxImage),
  );
  const manifest = JSON.parse((await blob(descriptor)).toString());
  for (const part of [manifest.config, ...manifest.layers]) {
    const upload = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    const headers = { 'content-type': 'application/octet-stream' };
    const put = await fetch(`${upload.headers.get('location')}&digest=${part.digest}`, {
      method: 'PUT',
      headers,
      body: await blob(part),
    });
    assert.equal(put.status, 201);
  }
  const headers = { 'content-type': descriptor.mediaType };
  const put = await fetch(`${base}/manifests/${tag}`, { method: 'PUT', headers, body: await blob(descriptor) });
  assert.equal(put.status, 201);
}

const kubectl = (...args: string[]) =>
  run(join(settings.cache, 'bin/kubectl'), ['--kubeconfig', files.kubeconfig, ...args]);

/** Waits until an "up" has started its programs. */
async function untilStarted(): Promise<Identity[]> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const record = await readRecord(files.record);
    if (record?.components.proxy !== undefined) return clusterProcesses();
    await sleep(100);
  }
  throw new Error('"up" started nothing within a minute');
}
