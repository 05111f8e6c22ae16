import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, textEntry } from '../runtime/archive/layer/entry.ts';
import { licensesFile, sharedFiles } from './bundle.ts';
import { codeCache } from './code-cache.ts';
import { launcherOf } from './launcher.ts';
import { ownPlatform, type PlatformName } from './platform.ts';
import { warmUps } from './warm-up.ts';

/** Where steps are in an image. A Task's `command` is `["/subpipe/NAME"]`: part of the contract, never changed. */
export const stepsFolder = 'subpipe';

/** The layer of one step: its launcher, its bundle, and its compiled code where this machine can compile for it. */
export async function stepEntries(name: string, bundles: string, platform: PlatformName): Promise<Entry[]> {
  const bundle = join(bundles, `${name}.js`);
  const entries = [
    textEntry(`${stepsFolder}/${name}`, await launcherOf(name), { mode: 0o755 }),
    await fileEntry(`${stepsFolder}/${name}.js`, bundle),
  ];
  const text = await readFile(bundle, 'utf8');
  for (const file of sharedFiles) {
    if (file !== licensesFile && !text.includes(file)) continue;
    entries.push(await fileEntry(`${stepsFolder}/${file}`, join(bundles, file)));
  }
  const cache =
    platform === ownPlatform() ? await codeCache(bundle, `/${stepsFolder}/${name}.js`, warmUps[name]) : undefined;
  if (cache !== undefined) entries.push(textEntry(`${stepsFolder}/${name}.cache`, cache));
  return entries;
}

async function fileEntry(path: string, file: string): Promise<Entry> {
  return { type: 'file', path, mode: 0o644, size: (await stat(file)).size, open: () => createReadStream(file) };
}
