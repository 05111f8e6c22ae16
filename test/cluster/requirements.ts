import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { ClusterError } from './errors.ts';

/** The file by which a Debian package is known to be there: a program on PATH, or an absolute path. */
const packages: Record<string, string> = {
  containerd: 'containerd',
  runc: 'runc',
  'containernetworking-plugins': '/usr/lib/cni/ptp',
  iptables: 'iptables',
  'etcd-server': 'etcd',
  tini: '/usr/bin/tini-static',
  'busybox-static': 'busybox',
  iproute2: 'ip',
  'util-linux': 'nsenter',
  git: '/usr/lib/git-core/git-remote-http',
};

type Machine = { platform: string; arch: string; uid: number; missing: readonly string[] };

/** What this machine has to run a cluster. */
export async function inspectMachine(env: NodeJS.ProcessEnv): Promise<Machine> {
  const missing: string[] = [];
  for (const [name, file] of Object.entries(packages)) {
    if ((await findProgram(file, env)) === undefined) missing.push(name);
  }
  return { platform: process.platform, arch: process.arch, uid: process.getuid?.() ?? -1, missing };
}

/** The first thing that keeps a cluster from running here, as one sentence that says what to do; undefined if none. */
export function whatIsMissing(machine: Machine): string | undefined {
  if (machine.platform !== 'linux') {
    return `The test cluster runs on Linux only, and this is ${machine.platform}: set KUBECONFIG to a cluster that you have.`;
  }
  if (machine.uid !== 0) {
    return 'The test cluster must be run by root (it makes namespaces and mounts): use sudo, or set KUBECONFIG to a cluster that you have.';
  }
  if (machine.missing.length > 0) {
    return `These Debian packages are missing: run "apt-get install -y --no-install-recommends ${machine.missing.join(' ')}".`;
  }
  return undefined;
}

/** @throws ClusterError in one sentence where root, Linux or a package is missing */
export async function requireMachine(env: NodeJS.ProcessEnv): Promise<void> {
  const sentence = whatIsMissing(await inspectMachine(env));
  if (sentence !== undefined) throw new ClusterError(sentence);
}

/** Where a program is: searched for on PATH, and in the folders for root's programs. */
export async function findProgram(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/local/go/bin', '/usr/sbin', '/sbin'].filter(Boolean);
  const candidates = name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name));
  for (const path of candidates) {
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
