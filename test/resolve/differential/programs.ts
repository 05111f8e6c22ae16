import path from 'node:path';
import { build, type GoModule, moduleFolder, programsOf } from '../../cluster/build.ts';

const cache = path.join(import.meta.dirname, '../../../.cache');

function goModule(name: string, output: string, target: GoModule['target']): GoModule {
  return { folder: path.join('../../resolve/differential/go', name), output, target, variables: {} };
}

/** Go programs that ours is compared with. */
const modules = {
  /** The peer's command. */
  'tkn-pac': goModule('peer', 'tkn-pac-v0.40.0', 'tool'),
  /** The peer's packages behind questions about events. */
  'peer-match': goModule('match', 'peer-match-v0.40.0', '.'),
  /** Tekton's webhook. */
  webhook: goModule('webhook', 'webhook-verdict', '.'),
} as const;

export type ProgramName = keyof typeof modules;

export const programNames: readonly ProgramName[] = ['webhook', 'peer-match', 'tkn-pac'];

/**
 * A Go program, built where it is not there yet. It takes minutes, once.
 * @throws ClusterError where Go is missing: what is compared with Go programs is not passed over in silence.
 */
export async function programOf(name: ProgramName, signal: AbortSignal): Promise<string> {
  const module = modules[name];
  await build(cache, module, { env: process.env, signal, note: () => {} });
  return path.join(programsOf(cache, module), name);
}

/** The folder of the peer's sources in Go's module cache. @throws ClusterError where Go is missing, or they cannot be had. */
export function peerSources(signal: AbortSignal): Promise<string> {
  const name = 'github.com/openshift-pipelines/pipelines-as-code';
  return moduleFolder(modules['tkn-pac'], name, { env: process.env, signal });
}
