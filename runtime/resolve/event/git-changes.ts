import { execFile } from 'node:child_process';
import { invalid, SubpipeError } from '../../errors.ts';
import type { ChangedFiles, Trigger } from '../event.ts';
import { changedFiles } from './push-files.ts';

/** More than this of `git diff` is no list of changes that anybody can match. */
const largest = 64 * 1024 * 1024;

/**
 * The files that an event has changed, from a git repository, as Pipelines-as-Code asks a forge for them: for a pull request all since
 * its branch left the target branch, for a push those of its last commit. A renamed file has its new name.
 *
 * @param options.folder - of the repository, or below it.
 * @param options.base - the target branch of a pull request: `main`, looked for as it is and as `origin/main`.
 * @throws SubpipeError `INVALID` for a revision or branch that the repository does not have, `FAILED` where git fails.
 */
export async function gitChanges(
  options: { folder: string; trigger: Trigger; revision: string; base: string | undefined },
  signal?: AbortSignal,
): Promise<ChangedFiles> {
  const { folder } = options;
  const head = await commitOf(folder, [options.revision], signal);
  if (head === undefined)
    throw invalid(`${folder} has no revision ${options.revision}: fetch it, or give --changed-files`);
  const from =
    options.trigger === 'push'
      ? await parentOf(folder, head, signal)
      : await forkOf(folder, head, options.base, signal);
  const args = [
    'diff-tree',
    '-r',
    '-z',
    '--name-status',
    '--find-renames',
    '--no-commit-id',
    '--no-ext-diff',
    from,
    head,
  ];
  return parseNameStatus(await git(folder, args, signal));
}

/** The commit's message, whole: `[skip ci]` may stand anywhere in it. `undefined` where the repository does not have the commit. */
export async function gitMessage(folder: string, revision: string, signal?: AbortSignal): Promise<string | undefined> {
  const commit = await commitOf(folder, [revision], signal);
  return commit === undefined ? undefined : await git(folder, ['log', '-1', '--format=%B', commit], signal);
}

/** `git diff --name-status -z`: `M\0path\0`, `R087\0old\0new\0`. */
export function parseNameStatus(output: string): ChangedFiles {
  const added: string[] = [];
  const deleted: string[] = [];
  const modified: string[] = [];
  const renamed: string[] = [];
  const fields = output.split('\0');
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const status = fields[at]?.[0];
    // A copy and a rename name two paths: the old one, then the new one.
    if (status === 'R' || status === 'C') at++;
    const path = fields[at + 1] ?? '';
    if (status === 'A' || status === 'C') added.push(path);
    else if (status === 'D') deleted.push(path);
    else if (status === 'R') renamed.push(path);
    else modified.push(path);
  }
  return changedFiles({ added, deleted, modified, renamed });
}

async function parentOf(folder: string, head: string, signal?: AbortSignal): Promise<string> {
  return (
    (await commitOf(folder, [`${head}^`], signal)) ??
    (await git(folder, ['hash-object', '-t', 'tree', '--stdin'], signal)).trim()
  );
}

async function forkOf(folder: string, head: string, base: string | undefined, signal?: AbortSignal): Promise<string> {
  if (base === undefined)
    throw invalid('the target branch is needed to tell what has changed: give --target-branch or --changed-files');
  const target = await commitOf(folder, [base, `refs/heads/${base}`, `refs/remotes/origin/${base}`], signal);
  if (target === undefined) throw invalid(`${folder} has no branch ${base}: fetch it, or give --changed-files`);
  const fork = await git(folder, ['merge-base', target, head], signal).catch(() => '');
  // Histories that have nothing in common, or a shallow clone: the difference of the two is the best there is.
  return fork.trim() || target;
}

/** The first of these names that is a commit. A name that begins with `-` is no option. */
async function commitOf(folder: string, names: readonly string[], signal?: AbortSignal): Promise<string | undefined> {
  for (const name of names) {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
    const found = await git(folder, args, signal).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      return '';
    });
    if (found !== '') return found.trim();
  }
  return undefined;
}

function git(folder: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const options = {
    cwd: folder,
    maxBuffer: largest,
    encoding: 'utf8' as const,
    ...(signal === undefined ? {} : { signal }),
  };
  return new Promise((resolve, reject) => {
    const child = execFile('git', [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (signal?.aborted) reject(new SubpipeError('ABORTED', 'git was stopped', { cause: error }));
      else reject(new SubpipeError('FAILED', `git ${args[0]} failed in ${folder}: ${stderr.trim() || error.message}`));
    });
    child.stdin?.end();
  });
}
