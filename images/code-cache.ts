import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { flagIn, launcherOf } from './launcher.ts';
import type { WarmUp } from './warm-up.ts';

const run = promisify(execFile);
const maker = join(import.meta.dirname, 'code-cache.cjs');
/** In a run, a function keeps a mark when a compiler's thread has got to it: without them, and with all bytecode kept, chance has no part. */
const bytecodeOnly = ['--no-sparkplug', '--no-maglev', '--no-turbofan', '--no-flush-bytecode'];

/**
 * The compiled code of a bundle for its launcher, or undefined when V8 would refuse it.
 *
 * @param filename of the bundle in the image: `/subpipe/NAME.js`. NAME's launcher tells the flag that Node runs with.
 * @param warmUp A run whose functions are compiled, and no others. Unset: all functions are.
 *
 * V8 seeds its hash tables by chance, so the cache is made with fixed seeds: the same bundle gives the same bytes.
 * V8 also keeps a hash of its flags in the cache; it is replaced with the one of a Node with the launcher's flag alone, which is
 * how the image runs it. The bytes are then tried in such a Node, and left out if it does not take them.
 */
export async function codeCache(bundle: string, filename: string, warmUp?: WarmUp): Promise<Buffer | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'subpipe-cache-'));
  try {
    await copyFile(bundle, join(folder, 'bundle'));
    await copyFile(maker, join(folder, 'maker.cjs'));
    // An environment and paths that are always the same: their strings are in the same tables as the code's.
    const always = { cwd: folder, env: {} };
    const seeds = ['--hash-seed=1', '--random-seed=1'];
    for (const [name, text] of Object.entries(warmUp?.files ?? {})) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const making = warmUp === undefined ? ['--no-lazy', 'maker.cjs', 'make'] : [...bytecodeOnly, 'maker.cjs', 'run'];
    await run(process.execPath, [...seeds, ...making, filename, ...(warmUp?.args ?? [])], always);
    const flag = flagIn(await launcherOf(basename(filename, '.js')));
    const { stdout } = await run(process.execPath, [flag, 'maker.cjs', 'adopt', filename], always);
    return stdout === 'accepted' ? await readFile(join(folder, 'cache')) : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
