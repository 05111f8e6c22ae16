import { join, resolve } from 'node:path';
import { ClusterError } from './errors.ts';
import { type Network, networkCount, networkOf } from './network.ts';

/** Where a cluster keeps its files and which addresses it uses: all that tells one cluster from another. */
export type Settings = {
  /** What is built once and kept: programs, images, manifests. */
  cache: string;
  /** What one cluster writes; removed by `down`, but for its logs. */
  state: string;
  network: Network;
};

/**
 * Reads the settings from the environment.
 * @param env SUBPIPE_CACHE (default `.cache` of the project), SUBPIPE_CLUSTER_STATE (default `cluster` in the cache) and
 *   SUBPIPE_CLUSTER_INDEX (default 0), which gives a second cluster on this machine its own addresses and state folder.
 * @throws ClusterError where the index is not a number in range
 */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const project = resolve(import.meta.dirname, '../..');
  const index = indexFrom(env.SUBPIPE_CLUSTER_INDEX);
  const cache = resolve(env.SUBPIPE_CACHE || join(project, '.cache'));
  const state = resolve(env.SUBPIPE_CLUSTER_STATE || join(cache, index === 0 ? 'cluster' : `cluster-${index}`));
  return { cache, state, network: networkOf(index) };
}

function indexFrom(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const index = Number(text);
  if (/^\d+$/.test(text) && index < networkCount) return index;
  throw new ClusterError(`SUBPIPE_CLUSTER_INDEX is a number from 0 to ${networkCount - 1}, but it is "${text}".`, {
    exitCode: 2,
  });
}

/** The files that people and tests use. Components see the state folder as `/mnt`: see sandbox.ts. */
export function filesOf(state: string) {
  return {
    kubeconfig: join(state, 'kubeconfig'),
    authority: join(state, 'pki/ca.crt'),
    record: join(state, 'record.json'),
    logs: join(state, 'logs'),
    lock: `${state}.lock`,
  };
}
