import { runCli } from '../../kubectl/cli.ts';
import type { FakeKube } from '../fakes/kube.ts';
import { makeFolder } from '../support/folder.ts';

/** What a command line wrote and how it ended. */
export interface CliRun {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process, against a fake API server where one is given. */
export async function subpipe(
  argv: readonly string[],
  options: { kube?: FakeKube; stdin?: string; signal?: AbortSignal } = {},
): Promise<CliRun> {
  await using folder = await makeFolder();
  const { kube, stdin = '', signal = new AbortController().signal } = options;
  const file = await folder.write('kubeconfig', kube?.kubeconfig() ?? '{}');
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(argv, {
    env: { KUBECONFIG: file },
    signal,
    stdin: async () => stdin,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
  });
  return { code, stdout: out.join(''), stderr: err.join('') };
}
