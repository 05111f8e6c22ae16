// Measures how long a step takes from exec to its first API request, in its image's own files, as its own user.
// node test/images/cold-start.ts [ROUNDS]: Linux, root (for chroot). The variants take turns, medians are shown.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import { bundleSteps } from '../../images/bundle.ts';
import { libraries } from '../../images/libraries.ts';
import { nodeEntries } from '../../images/node.ts';
import { ownPlatform } from '../../images/platform.ts';
import { readProject } from '../../images/project.ts';
import { stepEntries } from '../../images/step-files.ts';
import type { Entry } from '../../runtime/archive/layer/entry.ts';
import { selfSigned } from '../support/certificate.ts';
import { makeFolder } from '../support/folder.ts';

const step = 'subpipe-wait';
const account = 'var/run/secrets/kubernetes.io/serviceaccount';

interface Sample {
  /** Ms from spawn to the first request, and of CPU until then; MiB of memory at its highest. */
  request: number;
  cpu: number;
  memory: number;
}

interface Variant {
  command: string[];
  env?: Record<string, string>;
}

const variants: Record<string, Variant> = {
  'as in the image': { command: [`/subpipe/${step}`] },
  'without compiled code': { command: [`/plain/${step}`] },
  'bundle alone': { command: ['/usr/bin/node', `/subpipe/${step}.js`] },
  "Node's compile cache": {
    command: ['/usr/bin/node', `/subpipe/${step}.js`],
    env: { NODE_COMPILE_CACHE: '/compile-cache' },
  },
  'max-semi-space-size=1': { command: ['/usr/bin/node', '--max-semi-space-size=1', `/subpipe/${step}`] },
};

async function writeEntries(entries: Entry[], folder: string): Promise<void> {
  for (const entry of entries) {
    const path = join(folder, entry.path);
    await mkdir(entry.type === 'folder' ? path : dirname(path), { recursive: true });
    if (entry.type === 'symlink') await symlink(entry.target, path);
    if (entry.type === 'file') await writeInPieces(path, await buffer(entry.open()), entry.mode ?? 0o644);
  }
}

/** As containerd unpacks: pages that were written in one go are mapped in large pieces, and count as memory of Node. */
async function writeInPieces(path: string, bytes: Buffer, mode: number): Promise<void> {
  const piece = 32 * 1024;
  const file = await open(path, 'w', mode);
  for (let at = 0; at < bytes.length; at += piece) await file.write(bytes, at, Math.min(piece, bytes.length - at));
  await file.close();
}

async function measure(): Promise<void> {
  const platform = ownPlatform();
  if (platform === undefined || process.getuid?.() !== 0)
    throw new Error('this bench needs Linux and root, for chroot');
  await using folder = await makeFolder();
  const root = join(folder.path, 'root');
  const project = await readProject();
  await bundleSteps([step], join(folder.path, 'bundles'), project);
  await writeEntries(await libraries(platform), root);
  await writeEntries(await nodeEntries(platform, project.nodeVersion), root);
  await writeEntries(await stepEntries(step, join(folder.path, 'bundles'), platform), root);
  await mkdir(join(root, 'plain'));
  for (const file of [step, `${step}.js`]) await copyFile(join(root, 'subpipe', file), join(root, 'plain', file));
  // Node sizes its heap by what it reads in /proc; the mount goes away with this process's namespace.
  await mkdir(join(root, 'proc'));
  spawnSync('mount', ['--bind', '/proc', join(root, 'proc')]);
  await mkdir(join(root, 'compile-cache'));
  await chmod(join(root, 'compile-cache'), 0o777);
  await chmod(folder.path, 0o755);

  const { key, cert } = selfSigned();
  let onRequest: (() => void) | undefined;
  const server = createServer({ key, cert }, (_request, response) => {
    onRequest?.();
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"kind":"Status","code":404}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await mkdir(join(root, account), { recursive: true });
  const files = { 'ca.crt': cert, token: 'a-token-of-the-bench', namespace: 'default' };
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, account, name), content);

  const env = {
    PATH: process.env.PATH,
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
  };
  const sampleOf = (variant: Variant) =>
    new Promise<Sample>((resolve, reject) => {
      const begin = performance.now();
      const flags = ['--userspec=65532:65532', root, ...variant.command, '--', 'a-run'];
      const child = spawn('chroot', flags, { env: { ...env, ...variant.env }, stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      child.stderr.on('data', (data) => {
        said += data;
      });
      let sample: Sample | undefined;
      onRequest = () => {
        const request = performance.now() - begin;
        sample ??= { request, ...usage(child.pid ?? 0) };
      };
      child.on('close', () => (sample === undefined ? reject(new Error(said)) : resolve(sample)));
    });

  const samples = new Map<string, Sample[]>(Object.keys(variants).map((name) => [name, []]));
  const rounds = Number(process.argv[2] ?? 15);
  const bare: { whole: number; cpu: number }[] = [];
  for (let round = -1; round < rounds; round++) {
    bare.push(bareNode(join(root, 'usr/bin/node')));
    for (const [name, variant] of Object.entries(variants)) {
      const sample = await sampleOf(variant);
      if (round >= 0) samples.get(name)?.push(sample);
    }
  }
  server.close();
  spawnSync('umount', [join(root, 'proc')]);
  const wholes = median(bare.map(({ whole }) => whole));
  process.stdout.write(`bare Node, whole process: ${wholes} ms  cpu ${median(bare.map(({ cpu }) => cpu))} ms\n`);
  for (const [name, list] of samples) {
    const of = (field: keyof Sample) => median(list.map((sample) => sample[field]));
    process.stdout.write(
      `${name.padEnd(24)} request ${of('request')} ms (least ${least(list)})  cpu ${of('cpu')} ms  memory ${of('memory')} MiB\n`,
    );
  }
}

/** `node -e 0`, with the CPU time that it tells at its end. */
function bareNode(program: string): { whole: number; cpu: number } {
  const tell =
    'process.on("exit",()=>{const u=process.cpuUsage();process.stdout.write(String((u.user+u.system)/1000))})';
  const begin = performance.now();
  const { stdout } = spawnSync(program, ['-e', tell], { encoding: 'utf8' });
  return { whole: performance.now() - begin, cpu: Number(stdout) };
}

/** Read at once, while the step waits for its answer. */
function usage(pid: number): { cpu: number; memory: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  let cpu = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    cpu += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  }
  return { cpu, memory: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 };
}

function median(values: number[]): string {
  return (values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(1);
}

function least(list: Sample[]): string {
  return Math.min(...list.map(({ request }) => request)).toFixed(1);
}

if (process.env.SUBPIPE_BENCH === undefined) {
  const flags = ['--mount', '--propagation', 'private', process.execPath, ...process.argv.slice(1)];
  const inside = spawnSync('unshare', flags, { stdio: 'inherit', env: { ...process.env, SUBPIPE_BENCH: 'inside' } });
  process.exitCode = inside.status ?? 1;
} else await measure();
