import { counted } from '../../runtime/words.ts';
import { formatBytes } from '../../runtime/workspace/progress.ts';
import type { Output } from '../output.ts';
import type { Reading } from './context.ts';
import { Graph } from './graph.ts';
import { type HistoryEntry, historyOf } from './history.ts';
import { jsonText, shownText } from './json.ts';
import { shortDigest } from './table.ts';

export interface LogOptions {
  reference: string;
  json: boolean;
  /** Read the layers for what each has written and removed. */
  files: boolean;
  /** Entries at most. */
  limit: number;
}

/** How many paths of an entry people are shown. */
const shownPaths = 5;

/** Tells by which pushes a workspace was made. */
export async function log(options: LogOptions, reading: Reading, stdout: Output): Promise<number> {
  const entries = await historyOf(options.reference, options, reading);
  if (options.json) {
    stdout.write(jsonText(entries));
    return 0;
  }
  const graph = new Graph();
  for (const [i, entry] of entries.entries()) {
    // What the layers tell of pushes that are gone stands below the image that has them.
    const below = entries[i + 1]?.kind === 'layers' ? [entries[i + 1]?.digest ?? ''] : [];
    const parents = below.length > 0 ? below : entry.parents;
    const { first, rest, after } = graph.add(entry.digest, parents);
    const [title = '', ...lines] = linesOf(entry).map(shownText);
    stdout.write(`${first} ${title}\n`);
    for (const line of lines) stdout.write(`${rest}   ${line}\n`);
    if (after !== undefined) stdout.write(`${after}\n`);
  }
  return 0;
}

function linesOf(entry: HistoryEntry): string[] {
  const { digest, kind, created, task, pipelineRun, taskRun, revision, layers, size, parents } = entry;
  if (kind === 'missing') return [`${shortDigest(digest)}  (not there any more, or pushed to another repository)`];
  const what = `${counted(layers, 'layer')}, ${formatBytes(size)}`;
  const title = [kind === 'image' ? shortDigest(digest) : '(layers only)', task ?? '(no Task named)', created, what];
  const lines = [title.filter((part) => part !== undefined).join('  ')];
  if (pipelineRun !== undefined || taskRun !== undefined) {
    lines.push(
      [`PipelineRun ${pipelineRun ?? '?'}`, ...(taskRun === undefined ? [] : [`TaskRun ${taskRun}`])].join(', '),
    );
  }
  if (revision !== undefined) lines.push(`commit ${revision}`);
  if (parents.length > 1) lines.push(`made from ${parents.map(shortDigest).join(', ')}`);
  return [...lines, ...changesOf(entry)];
}

function changesOf({ files, paths, layers }: HistoryEntry): string[] {
  if (files !== undefined) return [...files.written.map((path) => `W ${path}`), ...files.removed.map((p) => `D ${p}`)];
  if (paths === undefined || layers === 0) return [];
  const more = paths.length > shownPaths ? ` and ${paths.length - shownPaths} more` : '';
  return [`${paths.slice(0, shownPaths).join(', ')}${more}`].filter((line) => line !== '');
}
