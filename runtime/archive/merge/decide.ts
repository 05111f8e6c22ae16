import { SubpipeError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { LayerSource } from '../layer/read-layer.ts';
import { type BytePath, parentOf, shown } from '../path.ts';
import { type IndexEntry, isBelow, isSameEntry, type LayerIndex } from './layer-index.ts';

/**
 * What to do with a path that sources changed differently: `error` names them (default), or the change of the first or
 * last source that has one is taken, or that of the source with this name, or of those with these, where it has just one,
 * else it is an error.
 */
export type MergePolicy = 'error' | 'first' | 'last' | { ours: string | readonly string[] };

/** What one of the images to merge has changed since their ancestor. */
export interface Side {
  /** For people. */
  name: string;
  /** Its layers since then. */
  own: readonly { layer: LayerSource & { digest: Digest }; index: LayerIndex }[];
  /** What these say together. */
  index: LayerIndex;
}

/** A side's word on a path: what it has put there, or that it is gone. */
export interface Said {
  side: Side;
  put: IndexEntry | undefined;
  /** What the side has made of folders above, where it is gone for that: a change also where there was nothing here before. */
  inTheWay?: readonly IndexEntry[];
}

/** What was before is asked about nothing else. */
export function isSaid(path: BytePath, sides: readonly Side[]): boolean {
  return sides.some(({ index }) => index.puts.has(path) || index.removed.has(path));
}

/** Whose change counts, by path. */
export async function decide(sides: readonly Side[], ancestor: () => Promise<LayerIndex>, policy: MergePolicy) {
  const said = new Map<BytePath, Said[]>();
  const add = (path: BytePath, what: Said): void => {
    const list = said.get(path);
    if (list === undefined) said.set(path, [what]);
    else list.push(what);
  };
  for (const side of sides) {
    for (const [path, put] of side.index.puts) add(path, { side, put });
    for (const path of side.index.removed) if (!side.index.puts.has(path)) add(path, { side, put: undefined });
  }
  const cleared = sides.map((side) => [side, clearedIn(side.index)] as const).filter(([, folders]) => folders.size > 0);
  // A folder that one side removes or makes a file of, and another changes something in.
  const inEnded: BytePath[] = [];
  for (const [path, list] of said) {
    let isIn = false;
    for (let up = parentOf(path); up !== ''; up = parentOf(up)) {
      const ended = said.get(up)?.filter((other) => other.put?.header.type !== 'folder') ?? [];
      for (const { side, put } of ended) {
        isIn = true;
        const at = list.findIndex((other) => other.side === side);
        const known = list[at] ?? { side, put: undefined };
        if (known.put !== undefined) continue;
        const inTheWay = put === undefined ? known.inTheWay : [...(known.inTheWay ?? []), put];
        list.splice(at < 0 ? list.length : at, 1, inTheWay === undefined ? known : { ...known, inTheWay });
      }
    }
    if (isIn) inEnded.push(path);
    for (const [side, folders] of cleared) {
      if (list.some((other) => other.side === side) || !isBelow(path, folders)) continue;
      const wasThere = side.own.some(({ index }) => index.puts.has(path)) || (await ancestor()).puts.has(path);
      if (wasThere) list.push({ side, put: undefined });
    }
  }
  const winners = new Map<BytePath, Said>();
  const conflicts: BytePath[] = [];
  const decided: BytePath[] = [];
  for (const [path, list] of said) {
    // That a folder above is gone was found later than what is put.
    list.sort((a, b) => sides.indexOf(a.side) - sides.indexOf(b.side));
    let rest = different(withoutSuperseded(path, list));
    if (rest.length > 1) {
      const { puts } = await ancestor();
      const isChange = (put: IndexEntry | undefined, at: BytePath): boolean => !isSameEntry(put, puts.get(at));
      const changed = rest.filter(
        ({ put, inTheWay = [] }) => isChange(put, path) || inTheWay.some((above) => isChange(above, above.path)),
      );
      rest = changed.length === 0 ? rest.slice(0, 1) : changed;
    }
    const winner = rest.length === 1 ? rest[0] : choose(rest, list, policy);
    if (winner === undefined) conflicts.push(path);
    else winners.set(path, winner);
    if (rest.length > 1) decided.push(path);
  }
  if (conflicts.length > 0) throw conflict(conflicts, sides);
  return { winners, decided, overruled: overrule(winners, inEnded) };
}

/** Folders that are there and have lost what was in them: marked so, or removed and made again. */
function clearedIn({ emptied, removed, puts }: LayerIndex): Set<BytePath> {
  const again = [...removed].filter((path) => puts.get(path)?.header.type === 'folder');
  return new Set([...emptied, ...again]);
}

/**
 * Where something is kept in what another side has removed, or by a policy in what it has made a file of: there stays a
 * folder, with nothing in it but what was kept. @returns these folders.
 */
function overrule(winners: Map<BytePath, Said>, inEnded: readonly BytePath[]): Set<BytePath> {
  const folders = new Set<BytePath>();
  for (const path of inEnded) {
    const kept = winners.get(path);
    if (kept?.put === undefined) continue;
    for (let up = parentOf(path); up !== ''; up = parentOf(up)) {
      const above = winners.get(up);
      if (above === undefined || above.put?.header.type === 'folder') continue;
      winners.set(up, { side: kept.side, put: kept.side.index.puts.get(up) });
      folders.add(up);
    }
  }
  return folders;
}

/**
 * Without what a side says by a layer that another side has too, and has said something later: of images that were made
 * one from the other in part, the later one knew.
 */
function withoutSuperseded(path: BytePath, list: readonly Said[]): readonly Said[] {
  if (list.length < 2) return list;
  const last = list.map(({ side }) => side.own.findLastIndex(({ index }) => speaksOf(index, path)));
  return list.filter(({ side }, i) => {
    const said = side.own[last[i] ?? -1]?.layer.digest;
    return !list.some((other, j) => {
      const known = other.side.own.findLastIndex(({ layer }) => layer.digest === said);
      return known >= 0 && (last[j] ?? -1) > known;
    });
  });
}

function speaksOf(index: LayerIndex, path: BytePath): boolean {
  if (index.puts.has(path) || index.removed.has(path)) return true;
  for (let up = parentOf(path); ; up = parentOf(up)) {
    if (index.emptied.has(up)) return true;
    if (up === '') return false;
    if (index.removed.has(up) || (index.puts.get(up)?.header.type ?? 'folder') !== 'folder') return true;
  }
}

/** One of each kind of change. Times alone are no difference: the newest is taken. */
function different(list: readonly Said[]): Said[] {
  const kinds: Said[] = [];
  for (const one of list) {
    const at = kinds.findIndex((other) => isSameEntry(one.put, other.put));
    const known = kinds[at];
    if (known === undefined) kinds.push(one);
    else if (one.inTheWay !== undefined)
      kinds[at] = { ...known, inTheWay: [...(known.inTheWay ?? []), ...one.inTheWay] };
    else if ((one.put?.header.mtime ?? 0) > (known.put?.header.mtime ?? 0)) kinds[at] = one;
  }
  return kinds;
}

/** @param list of all sides, of which `rest` has one for each kind of change. */
function choose(rest: readonly Said[], list: readonly Said[], policy: MergePolicy): Said | undefined {
  if (policy === 'error') return undefined;
  if (policy === 'first') return rest[0];
  if (policy === 'last') {
    // Not the last kind of change: what the last source has done, others may have done before.
    const kindOf = (one: Said) => rest.find(({ put }) => isSameEntry(one.put, put));
    return list.map(kindOf).findLast((kind) => kind !== undefined);
  }
  const names = typeof policy.ours === 'string' ? [policy.ours] : policy.ours;
  const ours = list.filter(({ side }) => names.includes(side.name));
  const [chosen, ...more] = rest.filter(({ put }) => ours.some((one) => isSameEntry(one.put, put)));
  return more.length === 0 ? chosen : undefined;
}

function conflict(paths: readonly BytePath[], sides: readonly Side[]): SubpipeError {
  const named = paths.slice(0, 20).map(shown).join(', ');
  const more = paths.length > 20 ? ` and ${paths.length - 20} more` : '';
  const names = sides.map(({ name }) => name).join(', ');
  return new SubpipeError('CONFLICT', `${names} changed the same paths differently: ${named}${more}`, {
    hint: 'Let parallel Tasks write to different paths, or choose whose change counts: first, last or ours.',
  });
}
