import process from 'node:process';
import { SubpipeError } from '../../runtime/errors.ts';
import { findProgram } from '../cluster/requirements.ts';

/** Programs that ours is compared with, and the Debian packages that they are in. Others are built with Go. */
const packages = {
  bash: 'bash',
  gzip: 'gzip',
  pigz: 'pigz',
  pzstd: 'zstd',
  skopeo: 'skopeo',
  tar: 'tar',
  umoci: 'umoci',
  zstd: 'zstd',
} as const;

export type PeerProgram = keyof typeof packages;

export const peerPrograms = Object.keys(packages) as PeerProgram[];

/**
 * What is compared with a program is not passed over in silence where the program is missing.
 * @throws SubpipeError `INVALID`, one sentence with all that are missing, and how to get them.
 */
export async function requirePrograms(names: readonly PeerProgram[], env = process.env): Promise<void> {
  const missing: PeerProgram[] = [];
  for (const name of names) if ((await findProgram(name, env)) === undefined) missing.push(name);
  if (missing.length === 0) return;
  const wanted = new Set(missing.map((name) => packages[name]));
  throw new SubpipeError('INVALID', `what ours is compared with is missing here: ${missing.join(', ')}`, {
    hint: `On Debian: apt-get install -y --no-install-recommends ${[...wanted].join(' ')}`,
  });
}
