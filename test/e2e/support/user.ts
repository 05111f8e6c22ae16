import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { root } from '../../support/markdown.ts';
import { pathWithSubpipe } from '../../support/programs.ts';
import { execute, imageOf } from './command.ts';
import { context } from './context.ts';

/** With the images that the cluster of the tests can pull. */
export function withImages(text: string): string {
  return text
    .replaceAll(/(docker\.io\/library\/)?busybox:1\.36/g, context.shellImage)
    .replaceAll(/ghcr\.io\/subpipe\/([a-z-]+):v[\d.]+/g, (_, step: string) => imageOf(step));
}

/** Somebody at a shell who has chosen the cluster and a namespace. */
export interface User {
  /** A copy of the project's `examples` and `tasks`, with images that the cluster can pull. */
  folder: string;
  /** Runs a command line in a folder below it, and gives its standard output. @throws where it fails. */
  shell(command: string, folder?: string): Promise<string>;
}

export async function userOf(t: TestContext, namespace: string): Promise<User> {
  const folder = await mkdtemp(path.join(tmpdir(), 'subpipe-user-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const part of ['examples', 'tasks'])
    await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/\.ya?ml$/.test(name)) continue;
    const file = path.join(folder, name);
    await writeFile(file, withImages(await readFile(file, 'utf8')));
  }
  const env = { KUBECONFIG: path.join(folder, 'kubeconfig'), PATH: await pathWithSubpipe(folder) };
  await cp(context.kubeconfig, env.KUBECONFIG);
  const shell: User['shell'] = async (command, below = '.') => {
    const done = await execute('sh', ['-c', command], { env, folder: path.join(folder, below) });
    assert.equal(done.code, 0, `${command}: ${done.stderr}`);
    return done.stdout;
  };
  await shell(`kubectl config set-context --current --namespace=${namespace}`);
  return { folder, shell };
}

/** Names of the PipelineRuns that `kubectl create` says it has created. */
export function createdRuns(said: string): string[] {
  return [...said.matchAll(/^pipelinerun\.tekton\.dev\/(\S+) created$/gm)].flatMap(([, name]) => name ?? []);
}
