import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain } from '../../../runtime/errors.ts';
import { settingsFrom } from '../../cluster/settings.ts';
import { startRegistry } from '../../oci/real-registry.ts';
import type { Bench, Findings } from '../bench.ts';
import { type CorpusName, corpora, makeCorpus } from './corpora.ts';
import { openDisks } from './disk.ts';
import { measure } from './measure.ts';
import { preparePrograms } from './programs.ts';
import { type Round, round, type Setting } from './rounds.ts';
import { rowsOf } from './rows.ts';
import { type Tool, toolsOf } from './tools.ts';

/** OCI workspaces against what people use today: time, CPU, memory, stored bytes. */
export const ociBench: Bench = {
  summary: 'Workspaces as OCI images: push and pull, against tar with oras, oras, crane, and tar with zstd.',
  parts: Object.keys(corpora),
  rounds: 3,

  async run({ env, rounds, only, scale, signal, say }) {
    const folder = await mkdtemp(join(tmpdir(), 'subpipe-bench-'));
    const all: Findings = { rows: [], notes: [], failures: [] };
    try {
      say('building the programs (the first time takes minutes)');
      const programs = await preparePrograms(folder, env, signal);
      const disks = await openDisks(folder, signal);
      all.notes.push(`Trees are written onto ${disks.kind}, another for each measurement. Scale ${scale}.`);
      await using registry = await startRegistry('Distribution 3');
      for (const corpus of Object.keys(corpora) as CorpusName[]) {
        if (only !== undefined && !only.includes(corpus)) continue;
        say(`${corpus}: making the files`);
        const path = makeCorpus(corpus, join(settingsFrom(env).cache, 'corpora'), scale);
        // All find the files in the page cache, the first as the last.
        await measure({ argv: ['tar', '-cf', '/dev/zero', '-C', path, '.'] }, signal);
        const setting = { corpus, folder: path, host: registry.host, disks, signal };
        try {
          all.rows.push(...rowsOf(corpus, await roundsOf(toolsOf(programs), rounds, setting, say)));
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          all.failures.push(`${corpus}: ${explain(error)}`);
        }
      }
      return all;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Each tool once in a round, forwards in one round and backwards in the next. */
async function roundsOf(
  tools: readonly Tool[],
  count: number,
  setting: Setting,
  say: (text: string) => void,
): Promise<Round[]> {
  const found: Round[] = [];
  for (let number = 1; number <= count; number++) {
    for (const tool of number % 2 === 1 ? tools : tools.toReversed()) {
      setting.signal.throwIfAborted();
      const one = await round(tool, number, setting);
      const { push, pull, unchanged, changed } = one;
      const more =
        unchanged === undefined || changed === undefined
          ? ''
          : `, unchanged ${unchanged.wall.toFixed(2)} s, 1 % changed ${changed.wall.toFixed(2)} s`;
      say(
        `${setting.corpus} ${number}/${count}: push ${push.wall.toFixed(2)} s (CPU ${push.cpu.toFixed(2)}, ${push.memory.toFixed(0)} MiB), pull ${pull.wall.toFixed(2)} s (CPU ${pull.cpu.toFixed(2)}, ${pull.memory.toFixed(0)} MiB)${more}: ${tool.name}`,
      );
      found.push(one);
    }
  }
  return found;
}
