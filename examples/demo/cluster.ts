import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { settingsFrom } from '../../test/cluster/settings.ts';
import { describeStatus } from '../../test/cluster/status.ts';

/** Whether the cluster is there without the demo's doing: one that KUBECONFIG names, or the project's own. */
export async function clusterIsUp(env: NodeJS.ProcessEnv): Promise<boolean> {
  if (env.KUBECONFIG !== undefined && env.KUBECONFIG !== '') return true;
  return (await describeStatus(settingsFrom(env))).healthy;
}

/** Ends the project's own cluster. Gives the exit code of the command that does it. */
export async function clusterDown(env: NodeJS.ProcessEnv): Promise<number> {
  const command = path.join(import.meta.dirname, '../../test/cluster/main.ts');
  // In a group of its own, so that a second Ctrl-C does not end what cleans up after the first.
  const child = spawn(process.execPath, [command, 'down'], {
    env,
    stdio: ['ignore', process.stderr, 'inherit'],
    detached: true,
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve(code ?? 1));
  });
}
