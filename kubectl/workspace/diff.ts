import { shown } from '../../runtime/archive/path.ts';
import { exitCodeOf, invalid } from '../../runtime/errors.ts';
import { formatBytes } from '../../runtime/workspace/progress.ts';
import type { Output } from '../output.ts';
import { compareImages, type Difference } from './compare.ts';
import type { Item } from './content.ts';
import { imagesOf, type Reading } from './context.ts';
import { exactPath, jsonText } from './json.ts';
import { type Row, rowsText } from './table.ts';

export interface DiffOptions {
  before: string;
  after: string;
  json: boolean;
  /** Exit with 1 where something differs, and only there. */
  exitCode: boolean;
  /** Another time alone is a change. */
  times: boolean;
}

/** Tells what changed from one workspace to another. @throws SubpipeError `INVALID` for all that would exit with 1, with `exitCode`. */
export async function diff(options: DiffOptions, reading: Reading, stdout: Output): Promise<number> {
  const found = await compared(options, reading).catch((cause: unknown) => {
    if (!options.exitCode || exitCodeOf(cause) !== 1) throw cause;
    throw invalid(`${options.before} and ${options.after} cannot be compared`, { cause });
  });
  if (options.json) stdout.write(jsonText(found.map(jsonOf)));
  else {
    stdout.write(rowsText(found.map(rowOf)));
    const count = (kind: Difference['kind']) => `${found.filter((one) => one.kind === kind).length} ${kind}`;
    const told = found.length === 0 ? 'nothing differs' : `${count('added')}, ${count('changed')}, ${count('removed')}`;
    reading.log.info(told);
  }
  return options.exitCode && found.length > 0 ? 1 : 0;
}

async function compared({ before, after, times }: DiffOptions, reading: Reading): Promise<Difference[]> {
  const from = await imagesOf(before, reading);
  return compareImages(from, await imagesOf(after, reading), { times }, reading);
}

const letters = { added: 'A', changed: 'M', removed: 'D' } as const;

function rowOf({ kind, path, before, after, what }: Difference): Row {
  const sizes = [before, after].flatMap((item) => (item?.type === 'file' ? [formatBytes(item.size)] : []));
  const size = new Set(sizes).size === 1 ? (sizes[0] ?? '') : sizes.join(' -> ');
  const isFolder = (after ?? before)?.type === 'folder';
  const more = kind === 'changed' ? what.filter((one) => one !== 'content').map((one) => told(one, before, after)) : [];
  const name = `${shown(path)}${isFolder ? '/' : ''}`;
  return [letters[kind], { right: size }, more.length === 0 ? name : `${name} (${more.join(', ')})`];
}

function told(what: Difference['what'][number], before: Item | undefined, after: Item | undefined): string {
  if (what === 'mode') return `mode ${octal(before)} -> ${octal(after)}`;
  if (what === 'owner') return `owner ${before?.uid}:${before?.gid} -> ${after?.uid}:${after?.gid}`;
  if (what === 'type') return `${before?.type} -> ${after?.type}`;
  return what;
}

function octal(item: Item | undefined): string {
  return (item?.mode ?? 0).toString(8).padStart(4, '0');
}

function jsonOf({ kind, path, before, after, what }: Difference): Record<string, unknown> {
  return { change: kind, path: exactPath(path), what, ...side('before', before), ...side('after', after) };
}

function side(name: string, item: Item | undefined): Record<string, unknown> {
  if (item === undefined) return {};
  const { type, size, uid, gid, content } = item;
  const file = type === 'file' ? { size, ...(content === undefined ? {} : { digest: content }) } : {};
  return { [name]: { type, mode: octal(item), uid, gid, ...file } };
}
