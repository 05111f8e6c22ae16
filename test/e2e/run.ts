import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { exitCodeOf, explain } from '../../runtime/errors.ts';
import { type Ready, ready } from './support/ready.ts';

const root = path.join(import.meta.dirname, '../..');

/** How many files of tests run at once. Each starts pods, and pods cost more than the tests. */
const atOnce = 2;

/** These need no cluster, but build large Go programs the first time: before all others, which have time limits. */
const first = ['gitea.e2e.ts', 'registries.e2e.ts'];

/** These stop parts of a cluster, so they run by themselves, after all others. */
const alone = ['outage.e2e.ts'];

/**
 * `npm run test:e2e [-- NAME...]`: the end-to-end tests on the cluster that KUBECONFIG names, or on the project's own,
 * which is brought up first (SUBPIPE_TEKTON names its version of Tekton);
 * with names, only the files that have one of them in their name. Gives the exit code.
 */
export async function endToEnd(names: readonly string[]): Promise<number> {
  let cluster: Ready;
  try {
    cluster = await ready();
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return exitCodeOf(error);
  }
  const env = {
    ...process.env,
    KUBECONFIG: cluster.kubeconfig,
    SUBPIPE_IMAGE_PREFIX: cluster.imagePrefix,
    SUBPIPE_IMAGE_TAG: cluster.imageTag,
    SUBPIPE_SHELL_IMAGE: cluster.shellImage,
    SUBPIPE_OWN_CLUSTER: String(cluster.ownCluster),
    PATH: cluster.ownCluster ? `${path.join(root, '.cache/bin')}:${process.env.PATH}` : process.env.PATH,
  };
  const found = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.e2e.ts'));
  const wanted = found.filter((file) => names.length === 0 || names.some((name) => file.includes(name)));
  if (wanted.length === 0) {
    process.stderr.write(`no file of test/e2e has ${names.join(' or ')} in its name: it has ${found.join(', ')}\n`);
    return 2;
  }
  const pathsOf = (files: readonly string[]) => files.map((file) => path.join('test/e2e', file));
  const before = pathsOf(wanted.filter((file) => first.includes(file)));
  const together = pathsOf(wanted.filter((file) => !first.includes(file) && !alone.includes(file)));
  const last = wanted.filter((file) => alone.includes(file)).map((file) => [path.join('test/e2e', file)]);
  // A cluster of its own, beside the other: from up to down, and nothing left behind.
  if (cluster.ownCluster && names.length === 0) last.push(['test/cluster/lifecycle.e2e.ts']);
  let worst = 0;
  for (const files of [before, together, ...last]) {
    if (files.length > 0) worst = Math.max(worst, await nodeTest(files, env));
  }
  return worst;
}

function nodeTest(files: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const args = ['--test', `--test-concurrency=${atOnce}`, ...files];
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
