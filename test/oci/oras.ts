import { join } from 'node:path';
import { build, type GoModule, programsOf } from '../cluster/build.ts';
import { settingsFrom } from '../cluster/settings.ts';

const oras: GoModule = { folder: '../../oci/go/oras', output: 'test-oras', target: 'tool', variables: {} };

/** Builds the command oras, once. Needs Go, and minutes the first time. @returns its path. */
export async function buildOras(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const { cache } = settingsFrom(env);
  await build(cache, oras, { env, signal, note: () => {} });
  return join(programsOf(cache, oras), 'oras');
}
