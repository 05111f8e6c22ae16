import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs git in a folder; gives what it prints. */
export async function git(cwd: string, ...argv: string[]): Promise<string> {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main'];
  const { stdout } = await promisify(execFile)('git', [...who, ...argv], { cwd });
  return stdout.trim();
}

/** Makes a folder a git repository with all its files in one commit. @returns its id. */
export async function commitAll(cwd: string, message = 'one'): Promise<string> {
  await git(cwd, 'init', '-q');
  await git(cwd, 'add', '-A');
  await git(cwd, 'commit', '-q', '--allow-empty', '-m', message);
  return git(cwd, 'rev-parse', 'HEAD');
}
