import { randomBytes } from 'node:crypto';
import path from 'node:path';
import process from 'node:process';
import { runCli } from '../../kubectl/cli.ts';
import { flagRows, parseWords } from '../../kubectl/flags.ts';
import { exitCodeOf, explain, invalid, SubpipeError } from '../../runtime/errors.ts';
import { imageOf } from '../../runtime/image.ts';
import { KubeClient } from '../../runtime/kube/client.ts';
import { type Ready, ready } from '../../test/e2e/support/ready.ts';
import { clusterDown, clusterIsUp } from './cluster.ts';
import { createNamespace, createObjects, deleteNamespace } from './objects.ts';

const root = path.join(import.meta.dirname, '../..');
const example = path.join(root, 'examples/main-tests-deploy');

/** What the example's README applies, in its order. */
const files = [
  'tasks/subpipe/rbac.yaml',
  'tasks/subpipe/subpipe.yaml',
  ...['tests', 'tests-task', 'deploy', 'main'].map((name) => `examples/main-tests-deploy/pipelines/${name}.yaml`),
];

const flags = [
  { name: 'keep', description: 'Leave the namespace, and a cluster that was brought up, where they are.' },
];

const help = `Runs examples/main-tests-deploy: a Pipeline that calls two others. Shows the logs and the tree of runs, ends with a table,
and leaves nothing behind.

npm run demo [-- --keep]
${flagRows(flags).join('\n')}

It runs on the cluster that KUBECONFIG names, in a namespace of its own, with the released images or those of
  SUBPIPE_IMAGE_PREFIX and SUBPIPE_IMAGE_TAG   PREFIX/subpipe:TAG
  SUBPIPE_SHELL_IMAGE                          in place of docker.io/library/busybox:1.36
Without KUBECONFIG it brings up the project's own cluster (Linux, root) with images of this working tree.
`;

/** `npm run demo`. Gives the exit code: that of the run, 2 for a wrong flag. */
export async function demoCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => stop.abort(new SubpipeError('ABORTED', `stopped by ${name}`)));
  }
  try {
    const given = parseWords(flags, argv, 'Run npm run demo -- --help.');
    if (given.words.length > 0) throw invalid(`the demo takes no words, but ${given.words[0]} came`);
    if (given.has('help')) {
      process.stdout.write(help);
      return 0;
    }
    return await demo(env, given.has('keep'), stop.signal);
  } catch (error) {
    say(explain(error));
    return exitCodeOf(error);
  }
}

async function demo(env: NodeJS.ProcessEnv, keep: boolean, signal: AbortSignal): Promise<number> {
  const wasUp = await clusterIsUp(env);
  try {
    return await onCluster(await ready(env, signal), env, keep, signal);
  } finally {
    if (!wasUp && keep) say('the cluster is still up: end it with npm run cluster -- down');
    if (!wasUp && !keep) await clusterDown(env);
  }
}

async function onCluster(where: Ready, env: NodeJS.ProcessEnv, keep: boolean, signal: AbortSignal): Promise<number> {
  const { kubeconfig, imagePrefix, imageTag, shellImage } = where;
  const kube = new KubeClient({ env, kubeconfig });
  const namespace = `subpipe-demo-${randomBytes(3).toString('hex')}`;
  try {
    say(`namespace ${namespace}: ${files.join(', ')}`);
    await createNamespace(kube, namespace, signal);
    const images = new Map([
      [imageOf('subpipe'), `${imagePrefix}/subpipe:${imageTag}`],
      ['docker.io/library/busybox:1.36', shellImage],
    ]);
    await createObjects(
      kube,
      namespace,
      files.map((file) => path.join(root, file)),
      images,
      signal,
    );
    const run = ['run', '-f', path.join(example, 'run.yaml'), '-n', namespace, '--kubeconfig', kubeconfig];
    say('subpipe run -f examples/main-tests-deploy/run.yaml');
    // After Ctrl-C the run is deleted with its namespace: how to cancel it is no longer of interest.
    const stderr = { write: (text: string) => signal.aborted || process.stderr.write(text) };
    return await runCli(run, { env, signal, stdin: async () => '', stdout: process.stdout, stderr });
  } finally {
    if (keep) say(`the namespace ${namespace} is still there: kubectl delete namespace ${namespace}`);
    else {
      say(`deleting the namespace ${namespace}`);
      await deleteNamespace(kube, namespace, AbortSignal.timeout(120_000));
    }
  }
}

function say(text: string): void {
  process.stderr.write(`demo: ${text}\n`);
}
