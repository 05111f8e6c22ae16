import { lstatSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { shown } from '../../runtime/archive/path.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { invalid } from '../../runtime/errors.ts';
import { splitWords } from '../../runtime/words.ts';
import { expiryLabel } from '../../runtime/workspace/compose.ts';
import { memoryFile, recall } from '../../runtime/workspace/memory.ts';
import { pullWorkspace } from '../../runtime/workspace/pull.ts';
import { pushWorkspace } from '../../runtime/workspace/push.ts';
import { readExpiry } from '../../runtime/workspace/values.ts';
import type { CommandContext } from '../command.ts';
import { readingOf } from './context.ts';

/** Pushes a folder. The image by its digest goes to standard output, or with `--dry-run` what would be in the layer. */
export async function push(folder: string, target: string, context: CommandContext): Promise<number> {
  const { flags, env, stdout } = context;
  const { platform: _none, ...reading } = readingOf(context);
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) throw invalid(`there is no folder ${folder}`);
  const expiresAfter = flags.text('expires-after');
  const dryRun = flags.has('dry-run');
  const { image, changes } = await pushWorkspace({
    ...reading,
    folder,
    target,
    base: flags.text('base'),
    exclude: splitWords(flags.text('exclude') ?? '', '--exclude'),
    tags: flags.all('tag'),
    // Without a time nothing tells when it expires, but registries that count from the push.
    ...(expiresAfter === undefined
      ? {}
      : { labels: { [expiryLabel]: readExpiry(expiresAfter, '--expires-after') }, created: new Date().toISOString() }),
    readRevision: true,
    dryRun,
    env,
  });
  if (!dryRun) stdout.write(`${image}\n`);
  for (const change of dryRun ? changes : []) {
    stdout.write(change.kind === 'put' ? `W ${shown(change.node.path)}\n` : `D ${shown(change.path)}\n`);
  }
  return 0;
}

/** Pulls into a folder, unless that has files that nobody has pushed. @throws SubpipeError `INVALID` then. */
export async function pull(
  reference: string,
  folder: string,
  merge: 'error' | 'first' | 'last',
  context: CommandContext,
): Promise<number> {
  const { flags, env, stdout } = context;
  const reading = readingOf(context);
  if (!flags.has('force')) await checkFolder(folder, env, reading.signal);
  const paths = flags.all('path');
  const { images } = await pullWorkspace({ ...reading, folder, sources: [reference], merge, paths, env });
  stdout.write(images.map((image) => `${image}\n`).join(''));
  return 0;
}

async function checkFolder(folder: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const full = resolve(folder);
  const found = lstatSync(full, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) throw invalid(`${folder} is no folder: expected the folder to fill`);
  if (readdirSync(full).length === 0) return;
  const known = recall(memoryFile(full, { env }))?.snapshot;
  const own =
    known === undefined
      ? undefined
      : (await scanTree(full, { signal })).nodes.find((node, i) => {
          const place = known.placeOf(node.path, i);
          return place < 0 || (node.type !== 'folder' && !known.isUntouched(place, node));
        });
  if (known !== undefined && own === undefined) return;
  const what =
    own === undefined ? 'files that were not pulled' : `changes since it was pulled or pushed (${shown(own.path)})`;
  throw invalid(`the folder ${folder} has ${what}: a pull would remove them`, {
    hint: 'Push them, choose another folder, or let --force replace it.',
  });
}
