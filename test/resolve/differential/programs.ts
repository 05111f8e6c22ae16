import path from 'node:path';
import { build, type GoModule, programsOf } from '../../cluster/build.ts';

const cache = path.join(import.meta.dirname, '../../../.cache');
const folder = (name: string): string => path.join('../../resolve/differential/go', name);

const modules: Record<'webhook' | 'tkn-pac', GoModule> = {
  webhook: { folder: folder('webhook'), output: 'webhook-verdict', target: '.', variables: {} },
  'tkn-pac': { folder: folder('peer'), output: 'tkn-pac-v0.40.0', target: 'tool', variables: {} },
};

/** A Go program that ours is compared with, built where it is not there yet. It takes minutes, once. */
export async function programOf(name: keyof typeof modules, signal: AbortSignal): Promise<string> {
  const module = modules[name];
  await build(cache, module, { env: process.env, signal, note: () => {} });
  return path.join(programsOf(cache, module), name);
}
