import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import { bundleSteps } from '../../../images/bundle.ts';
import { libraries } from '../../../images/libraries.ts';
import { nodeEntries } from '../../../images/node.ts';
import { ownPlatform } from '../../../images/platform.ts';
import { root as projectRoot, readProject, stepNames } from '../../../images/project.ts';
import { stepEntries } from '../../../images/step-files.ts';
import type { Entry } from '../../../runtime/archive/layer/entry.ts';
import { invalid } from '../../../runtime/errors.ts';
import { type Certificate, selfSigned } from '../../support/certificate.ts';
import type { BenchCluster } from './cluster.ts';

const account = 'var/run/secrets/kubernetes.io/serviceaccount';

/** What the issue calls "a Node step with the whole of client-node bundled": one get, as our steps begin. */
const wholeClient = `
import * as k8s from '@kubernetes/client-node';
const config = new k8s.KubeConfig();
config.loadFromCluster();
const api = config.makeApiClient(k8s.CustomObjectsApi);
const run = { group: 'tekton.dev', version: 'v1', namespace: 'default', plural: 'pipelineruns', name: 'a-run' };
api.getNamespacedCustomObject(run).then(console.log, () => process.exit(1));
`;

/**
 * A folder with the files of the steps' images (Node, its libraries, the steps with their compiled code), kubectl, and a
 * service account: processes that are started in it see what they would see in a pod, without the pod's noise.
 */
export interface StepRoot {
  /** Of the server on 127.0.0.1 that the processes take for the API server. */
  certificate: Certificate;
  /** Replaces what the service account's files say. */
  writeAccount(namespace: string, token: string): Promise<void>;
  /** Starts a program in it, as user 65532, against the API server on this port. */
  start(command: readonly string[], port: number, env?: Record<string, string>): ChildProcess;
}

/** @throws SubpipeError `INVALID` where this is not Linux or the user is not root: chroot needs both. */
export async function withStepRoot<T>(cluster: BenchCluster, use: (root: StepRoot) => Promise<T>): Promise<T> {
  const platform = ownPlatform();
  if (platform === undefined || process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw invalid('processes are measured in the files of their images, which needs Linux and root, for chroot');
  }
  const folder = await mkdtemp(join(tmpdir(), 'subpipe-bench-'));
  try {
    const root = join(folder, 'root');
    const bundles = join(folder, 'bundles');
    const project = await readProject();
    const names = await stepNames();
    await bundleSteps(names, bundles, project);
    await writeEntries(await libraries(platform), root);
    await writeEntries(await nodeEntries(platform, project.nodeVersion), root);
    for (const name of names) await writeEntries(await stepEntries(name, bundles, platform), root);
    await bundleWholeClient(join(root, 'peer/client-node.js'), project.nodeVersion);
    await copyFile(cluster.kubectl, join(root, 'usr/bin/kubectl'));
    await mkdir(join(root, account), { recursive: true });
    await chmod(folder, 0o755);
    const certificate = selfSigned();
    const write = (name: string, text: string): Promise<void> => writeFile(join(root, account, name), text);
    await write('ca.crt', certificate.cert);
    await using mounted = await mountProc(root);
    return await use({
      certificate,
      async writeAccount(namespace, token) {
        await Promise.all([write('namespace', namespace), write('token', token)]);
      },
      start(command, port, more = {}) {
        const env = {
          ...more,
          PATH: '/usr/bin',
          KUBERNETES_SERVICE_HOST: '127.0.0.1',
          KUBERNETES_SERVICE_PORT: String(port),
        };
        return spawn('/usr/sbin/chroot', ['--userspec=65532:65532', mounted.path, ...command], {
          env,
          stdio: ['pipe', 'pipe', 'pipe'],
        });
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The folder as a mount namespace of its own sees it, with /proc, without which Node needs 2 MiB more. A process keeps the
 * namespace; it ends, and the mount with it, when its input does, so also when the bench is killed.
 */
async function mountProc(root: string): Promise<{ path: string } & AsyncDisposable> {
  await mkdir(join(root, 'proc'));
  const script = 'mount -t proc proc "$1/proc" && echo ready && exec cat';
  const holder = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', root], { stdio: ['pipe', 'pipe', 'pipe'] });
  const closed = once(holder, 'close');
  const [said] = await Promise.race([once(holder.stdout, 'data'), closed]);
  if (!(said instanceof Buffer)) throw new Error('/proc cannot be mounted in a mount namespace');
  return {
    path: `/proc/${holder.pid}/root${root}`,
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await closed;
    },
  };
}

async function bundleWholeClient(outfile: string, nodeVersion: string): Promise<void> {
  await build({
    stdin: { contents: wholeClient, resolveDir: projectRoot },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${nodeVersion}`,
    treeShaking: false,
    minify: true,
    logLevel: 'silent',
  });
}

async function writeEntries(entries: readonly Entry[], folder: string): Promise<void> {
  for (const entry of entries) {
    const path = join(folder, entry.path);
    await mkdir(entry.type === 'folder' ? path : dirname(path), { recursive: true });
    if (entry.type === 'symlink') await symlink(entry.target, path);
    if (entry.type !== 'file') continue;
    await writeInPieces(entry.open(), path, entry.mode ?? 0o644);
  }
}

/**
 * As container runtimes unpack images, 32 KiB at a time: the kernel keeps what is written at once in larger pages, and
 * maps them whole, so that a Node that was written in one piece counts 15 MiB more as resident than it does in a pod.
 */
async function writeInPieces(source: Readable, path: string, mode: number): Promise<void> {
  const piece = 32 * 1024;
  const file = await open(path, 'w', mode);
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += piece) await file.writeFile(chunk.subarray(at, at + piece));
    }
  } finally {
    await file.close();
  }
}

/** MiB of memory of a process: at its highest so far, now, and now with what it shares divided among those who share it. */
export async function memoryOf(pid: number): Promise<{ peak: number; resident: number; proportional: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const find = (text: string, key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN) / 1024;
  return { peak: find(status, 'VmHWM'), resident: find(status, 'VmRSS'), proportional: find(rollup, 'Pss') };
}

/** Seconds of CPU that ended children of this process have used, in steps of 10 ms. */
export async function childrenCpu(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  // Fields 16 and 17 of proc(5), counted from the third, which follows the name in parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
