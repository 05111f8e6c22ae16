import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { type Fields, isFields } from '../../runtime/shape.ts';
import type { Param, PipelineTask } from '../../runtime/tekton/types.ts';
import type { Wrapped } from '../../runtime/wrap/wrap.ts';
import { makeFolder } from '../support/folder.ts';
import { root } from '../support/markdown.ts';

/** How a Task ended. */
export interface Ran {
  failed: boolean;
  /** What all of its steps have written. */
  log: string;
  results: Record<string, string>;
}

/**
 * Runs the steps of a wrapped Pipeline as processes of this machine, with a folder of its own for each volume of each Task: tasks in
 * the order in which they stand, without `when`, matrix and retries. Users other than this one need root.
 */
export async function runWrapped({ spec }: Wrapped): Promise<Map<string, Ran>> {
  const done = new Map<string, Ran>();
  let failed = false;
  for (const task of spec.tasks ?? []) {
    if (failed) break;
    const ran = await runTask(task, done);
    done.set(task.name, ran);
    failed = ran.failed && task.onError !== 'continue';
  }
  for (const task of spec.finally ?? []) done.set(task.name, await runTask(task, done));
  return done;
}

async function runTask(task: PipelineTask, done: ReadonlyMap<string, Ran>): Promise<Ran> {
  await using pod = await makeFolder();
  chmodSync(pod.path, 0o755);
  const volume = (name: string): string => {
    const folder = path.join(pod.path, name);
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o777);
    }
    return folder;
  };
  const inPipeline = (text: string): string =>
    text
      .replaceAll(/\$\(context\.pipelineRun\.(name|uid)\)/g, 'run-$1')
      .replaceAll(/\$\(tasks\.([\w-]+)\.results\.([\w-]+)\)/g, (_, name: string, result: string) => {
        const value = done.get(name)?.results[result];
        if (value === undefined) throw new Error(`${task.name} asks for ${result} of ${name}, which has none`);
        return value;
      });
  const given: Param[] = Array.isArray(task.params) ? task.params : [];
  const params = new Map(
    given.map(({ name, value }) => [name, Array.isArray(value) ? value.map(inPipeline) : inPipeline(String(value))]),
  );
  const fill = (text: string): string =>
    text
      .replaceAll(/\$\(workspaces\.([\w-]+)\.path\)/g, (_, name: string) => volume(`volume-${name}`))
      .replaceAll(/\$\(results\.([\w-]+)\.path\)/g, (_, name: string) => path.join(volume('results'), name))
      .replaceAll(/\$\(steps\.step-([\w-]+)\.exitCode\.path\)/g, (_, name: string) => path.join(volume('codes'), name))
      .replaceAll(/\$\(params\.([\w-]+)\)/g, (_, name: string) => String(params.get(name)));
  let failed = false;
  let log = '';
  for (const step of listOf(task.taskSpec?.steps)) {
    if (failed) break;
    const mounts = listOf(step.volumeMounts).map(({ name, mountPath }): [string, string] => [
      String(mountPath),
      volume(String(name).replace(/^\$\(workspaces\.([\w-]+)\.volume\)$/, 'volume-$1')),
    ]);
    const place = (text: string): string => mounts.reduce((all, [from, to]) => all.replaceAll(from, to), fill(text));
    const words = [step.command, step.args].flatMap((list) => (Array.isArray(list) ? list.map(String) : []));
    const argv = words.flatMap((word) => {
      const [, array = ''] = /^\$\(params\.([\w-]+)\[\*\]\)$/.exec(word) ?? [];
      const list = params.get(array);
      return Array.isArray(list) ? list : [place(word)];
    });
    const context = isFields(step.securityContext) ? step.securityContext : {};
    const ended = await runStep(argv, volume('results'), Number(context.runAsUser ?? 0));
    log += ended.log;
    writeFileSync(path.join(volume('codes'), String(step.name)), String(ended.code));
    failed = ended.code !== 0 && step.onError !== 'continue';
  }
  const results = readdirSync(volume('results')).map((name) => [
    name,
    readFileSync(path.join(volume('results'), name), 'utf8'),
  ]);
  return { failed, log, results: Object.fromEntries(results) };
}

/** Our steps from their source, others as they are. */
async function runStep(argv: readonly string[], cwd: string, user: number): Promise<{ code: number; log: string }> {
  const [program = '', ...rest] = argv;
  const [, own] = /^\/subpipe\/(oci-workspace-(?:pull|push))/.exec(program) ?? [];
  const command = own === undefined ? program : process.execPath;
  const args =
    own === undefined
      ? rest
      : [path.join(root, `steps/${own}/main.ts`), ...rest.filter((word) => !word.startsWith('/subpipe/'))];
  const as = process.getuid?.() === 0 ? { uid: user, gid: user } : {};
  const child = spawn(command, args, { cwd, env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' }, ...as });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      log += String(text);
    });
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject).on('close', (status) => resolve(status ?? 1));
  });
  return { code, log };
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}
