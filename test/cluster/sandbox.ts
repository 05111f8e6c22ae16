import { access, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, codeOf, messageOf } from './errors.ts';
import type { Network } from './network.ts';
import { childrenOf, findByEnvironment, type Identity, identify, kill, run, start } from './process.ts';
import type { Settings } from './settings.ts';

/**
 * The namespaces (mount, network, pid, ipc, uts) that the whole cluster lives in. When its first process is killed the
 * kernel ends every process in it, and with the last one go all mounts, devices, routes and iptables rules. That is why
 * `down`, and cleaning up after a crash, cannot leave anything behind.
 */
export type Sandbox = { init: Identity; settings: Settings };

/** Where programs in the sandbox see the state folder: a short, fixed path, as unix sockets are limited to 108 bytes. */
export const inside = '/mnt';

/** In the environment of all that we start, to be found even if this program was killed before it wrote a record. */
const markOf = (settings: Settings) => `SUBPIPE_SANDBOX=${settings.state}`;

/** The environment of the cluster's programs: nothing of the caller's (a proxy, say) reaches them. */
export function environmentOf(settings: Settings): NodeJS.ProcessEnv {
  return {
    PATH: `${inside}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: `${inside}/home`,
    // The registry would send traces to a collector that is not there.
    OTEL_TRACES_EXPORTER: 'none',
    SUBPIPE_SANDBOX: settings.state,
  };
}

/** A command line that runs in the sandbox. */
export const enter = (sandbox: Sandbox, command: readonly string[]) =>
  [
    'nsenter',
    [`--target=${sandbox.init.pid}`, '--mount', '--net', '--pid', '--ipc', '--uts', '--', ...command],
  ] as const;

/** Runs a command in the sandbox to its end. */
export async function runInside(sandbox: Sandbox, command: readonly string[], options: Parameters<typeof run>[2] = {}) {
  const [program, args] = enter(sandbox, command);
  return run(program, args, { env: environmentOf(sandbox.settings), cwd: '/', ...options });
}

/** Makes the namespaces, with their mounts, devices and control groups. */
export async function createSandbox(settings: Settings): Promise<Sandbox> {
  const { network, state } = settings;
  if (await exists(`/sys/class/net/${network.device}`)) {
    throw new ClusterError(
      `Another cluster uses the network device ${network.device}: take it down where it was started, or set SUBPIPE_CLUSTER_INDEX to a number that is free.`,
    );
  }
  const holder = await start(
    'unshare',
    [
      ...['--mount', '--propagation=private', '--net', '--ipc', '--uts'],
      ...['--pid', '--fork', '--kill-child', '--mount-proc', '--'],
      ...['/usr/bin/tini-static', '--', 'sleep', 'infinity'],
    ],
    { log: join(state, 'logs/sandbox.log'), env: environmentOf(settings) },
  );
  const sandbox = { init: await initOf(holder.pid), settings };
  await joinNetwork(sandbox);
  await mountFolders(sandbox);
  await makeControlGroups(network);
  return sandbox;
}

async function initOf(holder: number | undefined): Promise<Identity> {
  for (let attempt = 0; holder !== undefined && attempt < 200; attempt += 1) {
    const [pid] = await childrenOf(holder);
    // Before it becomes tini it is a copy of unshare, whose /proc may not be mounted yet.
    const identity = pid === undefined ? undefined : await identify(pid);
    if (identity !== undefined && (await childrenOf(identity.pid)).length > 0) return identity;
    await sleep(10);
  }
  throw new ClusterError('unshare made no namespaces: see sandbox.log; does this machine (or container) allow them?');
}

/** A pair of devices between the host and the cluster; there is no way from the cluster to any other network. */
async function joinNetwork(sandbox: Sandbox): Promise<void> {
  const { device, host, node, linkPrefix, pods, services } = sandbox.settings.network;
  const init = String(sandbox.init.pid);
  const ip = (...args: string[]) => run('ip', args, { env: environmentOf(sandbox.settings) });
  const ipInside = (...args: string[]) => runInside(sandbox, ['ip', ...args]);
  await ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', init);
  await ip('address', 'add', `${host}/${linkPrefix}`, 'dev', device);
  await ip('link', 'set', device, 'up');
  await ipInside('address', 'add', `${node}/${linkPrefix}`, 'dev', 'eth0');
  await ipInside('link', 'set', 'eth0', 'up');
  await ipInside('link', 'set', 'lo', 'up');
  // The node's own calls of a Service need some route to begin with; kube-proxy's rules then say where to.
  await ipInside('route', 'add', services, 'dev', 'eth0', 'src', node);
  await ip('route', 'add', pods, 'via', node);
  await ip('route', 'add', services, 'via', node);
  // This setting belongs to the network namespace: the host's own stays as it is.
  await runInside(sandbox, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
}

async function mountFolders(sandbox: Sandbox): Promise<void> {
  const { cache, state } = sandbox.settings;
  const mount = (...args: string[]) => runInside(sandbox, ['mount', ...args]);
  for (const folder of ['cache', 'tmp', 'home']) await mkdir(join(state, folder), { recursive: true, mode: 0o755 });
  await mount('--bind', cache, join(state, 'cache'));
  await mount('--rbind', state, inside);
  // From here on the paths that components insist on are the sandbox's own, not the machine's.
  for (const folder of ['/run', '/var/log', '/var/lib']) await mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', folder);
  await mount('--bind', `${inside}/tmp`, '/tmp');
  await runInside(sandbox, ['chmod', '1777', '/tmp']);
  // kubelet sets some kernel settings that are the whole machine's, but only those that are not as it wants them. So
  // it is shown files that say what it wants to read.
  await mkdir(join(state, 'kernel'));
  for (const [index, [setting, value]] of Object.entries(kubeletWants).entries()) {
    await writeFile(join(state, 'kernel', String(index)), `${value}\n`);
    await mount('--bind', `${inside}/kernel/${index}`, `/proc/sys/${setting}`);
  }
}

const kubeletWants = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1000000,
  'kernel/keys/root_maxbytes': 25000000,
};

const controlGroups = '/sys/fs/cgroup';

/** The control group that all pods are in: one folder for each hierarchy of cgroup v1, or the one of v2. */
async function controlGroupFolders(network: Network): Promise<string[]> {
  const unified = await exists(join(controlGroups, 'cgroup.controllers'));
  const parents = unified
    ? [controlGroups]
    : (await readdir(controlGroups, { withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(controlGroups, entry.name));
  return parents.map((parent) => join(parent, network.device));
}

async function makeControlGroups(network: Network): Promise<void> {
  for (const folder of await controlGroupFolders(network)) await mkdir(folder, { recursive: true });
}

/** Ends all that belongs to the settings' cluster, whatever state it is in. Does no harm where there is nothing. */
export async function destroySandbox(settings: Settings, init: Identity | undefined): Promise<void> {
  if (init !== undefined) await kill(init);
  // What carries our mark: the first process, where no record names it, then the helpers outside of the namespaces.
  for (const identity of await findByEnvironment(markOf(settings))) await kill(identity);
  await waitUntil(`network device ${settings.network.device} is gone`, async () => {
    if (init === undefined) return true; // A device there is then another cluster's.
    return !(await exists(`/sys/class/net/${settings.network.device}`));
  });
  if (await exists(`/sys/class/net/${settings.network.device}`)) return;
  for (const folder of await controlGroupFolders(settings.network)) {
    await waitUntil(`control group ${folder} is gone`, () => removeControlGroup(folder));
  }
}

/** @returns false where a dying process still is in it */
async function removeControlGroup(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory() && !(await removeControlGroup(join(folder, entry.name)))) return false;
  }
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    if (codeOf(error) === 'EBUSY') return false;
    throw new ClusterError(`The control group ${folder} could not be removed: ${messageOf(error)}`);
  }
}

async function waitUntil(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new ClusterError(`After 15 s of waiting it is still not so that ${what}.`);
    await sleep(25);
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
