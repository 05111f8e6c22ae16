import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SubpipeError } from '../../errors.ts';
import { isRecord } from '../../oci/manifest.ts';
import { shown } from '../path.ts';
import { mountsIn } from '../tree/mounts.ts';
import { lostAndFound, workFolder } from '../tree/walk.ts';
import { checkHollow, emptyHollow, fillHollow, hollowFolders } from './hollow.ts';
import { checkMounts } from './mounts.ts';
import { moveTo } from './move.ts';
import { moveOverlay, type Overlay, planOverlay, undoOverlay } from './overlay.ts';
import { placeIn } from './place.ts';
import { checkRemovable, remove } from './remove.ts';
import { WorkFolder } from './work-folder.ts';

/**
 * Replaces what is in `target` by what `fill` writes into a fresh folder that only this user can enter. Who can enter it
 * all the same, and has moved it or put a link in its place, leads it nowhere else. All or nothing: a failure leaves `target` as it was, also one in the middle of the exchange, also a crash: the next call, or
 * {@link repairFolder}, puts everything back.
 *
 * A folder that is not there appears by one rename. In one that is there, the children are exchanged: a workspace is a
 * mount point, which cannot be renamed. One that has nothing but empty folders keeps these: steps may have begun in them.
 * What is mounted in it stays where it is, and as it is.
 * Two at a time in one folder are not supported.
 *
 * @param how `over`: what is in `target` stays, but for what `fill` writes in its place. `empty`: there may be nothing but folders.
 * @throws SubpipeError `FAILED` where there is more.
 */
export async function replaceFolder<T>(
  target: string,
  fill: (folder: string) => Promise<T>,
  how: 'all' | 'over' | 'empty' = 'all',
): Promise<T> {
  const found = lstatSync(target, { throwIfNoEntry: false });
  if (found === undefined) return create(target, fill);
  if (found.isSymbolicLink())
    throw new SubpipeError('FAILED', `${target} is a link: expected the folder that it points to`);
  if (!found.isDirectory()) throw new SubpipeError('FAILED', `${target} is no folder`);
  repairFolder(target);
  try {
    using work = WorkFolder.make(join(target, workFolder));
    const result = await filled(work, fill);
    if (how === 'over') layOver(target, work);
    else exchange(target, work, how);
    remove(join(target, workFolder));
    return result;
  } catch (error) {
    repairFolder(target);
    throw error;
  }
}

async function create<T>(target: string, fill: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(dirname(target), { recursive: true });
  const path = `${target}${workFolder}`;
  remove(path);
  try {
    using work = WorkFolder.make(path, 0o755);
    const result = await filled(work, fill);
    renameSync(join(work.path, 'new'), target);
    return result;
  } finally {
    remove(path);
  }
}

/** An image may have a folder of our own folder's name: it would tell the next repair what to move. */
async function filled<T>(work: WorkFolder, fill: (folder: string) => Promise<T>): Promise<T> {
  const result = await fill(work.fresh);
  remove(join(work.fresh, workFolder));
  work.check();
  return result;
}

/**
 * Puts back what an exchange that was cut off has moved. Does nothing where none was.
 *
 * @returns whether one was; not where all but the removal of what is aside had happened.
 */
export function repairFolder(target: string): boolean {
  if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  const path = join(target, workFolder);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  using work = WorkFolder.find(path);
  const journal = work === undefined ? undefined : readJournal(work.path, path);
  const isOver = work !== undefined && journal === undefined && names(work.aside).length > 0;
  if (work !== undefined) putBack(target, work, journal);
  remove(path);
  return !isOver;
}

function putBack(target: string, work: WorkFolder, journal: Journal | undefined): void {
  const { fresh, aside } = work;
  if (journal?.over !== undefined) undoOverlay(journal.over, ...placesOf(target, work));
  else if (journal?.hollow !== undefined) emptyHollow(target, journal.hollow, journal.new, mountsIn(target));
  else if (journal !== undefined) {
    const olds = new Set(journal.old);
    // What is in its place and was there before is old, unless the old one is still aside.
    for (const name of journal.new) {
      const isOld = olds.has(name) && !has(aside, name);
      if (!isOld && has(target, name)) move(target, [name], fresh);
    }
    for (const name of journal.old) if (has(aside, name)) move(aside, [name], target);
  }
}

function exchange(target: string, work: WorkFolder, how: 'all' | 'empty'): void {
  const mounts = mountsIn(target);
  // An image of a whole volume may have lost+found as well; and what is mounted, as an empty folder.
  const kept = new Set<string>([workFolder, lostAndFound, ...mounts]);
  const old = names(target).filter((name) => !kept.has(name));
  const fresh = names(work.fresh).filter((name) => !kept.has(name));
  const hollow = hollowFolders(Buffer.from(target), kept);
  if (how === 'empty' && hollow === undefined && old.length > 0) throw occupied(target, old);
  checkMounts(target, work.fresh, mounts, hollow === undefined);
  if (hollow === undefined) checkRemovable(target, old);
  else checkHollow(work.fresh, target, hollow);
  writeJournal(work.path, { old, new: fresh, hollow });
  if (hollow !== undefined) fillHollow(work.fresh, target, kept);
  else {
    move(target, old, work.aside);
    move(work.fresh, fresh, target);
  }
  // From here on it has happened: what is aside is only to be removed.
  rmSync(join(work.path, 'journal'));
}

/** Looked for last of all, so that nothing that is written meanwhile is removed without a word. */
function occupied(target: string, old: readonly string[]): SubpipeError {
  const some = old.slice(0, 5).map(shown).join(', ');
  return new SubpipeError('FAILED', `${target} has files already, which would be removed: ${some}`, {
    hint: 'If a sidecar has written them, before the steps began, give it another volume.',
  });
}

function layOver(target: string, work: WorkFolder): void {
  const places = placesOf(target, work);
  const over = planOverlay(places[0], places[1], [workFolder, lostAndFound]);
  checkMounts(target, work.fresh, mountsIn(target), false);
  checkRemovable(target, over.had);
  writeJournal(work.path, { old: [], new: [], over });
  moveOverlay(over, ...places);
  rmSync(join(work.path, 'journal'));
}

function placesOf(target: string, { fresh, aside }: WorkFolder): [Buffer, Buffer, Buffer] {
  return [Buffer.from(fresh), Buffer.from(target), Buffer.from(aside)];
}

/** What an exchange is about to move. */
interface Journal {
  old: string[];
  new: string[];
  hollow?: string[] | undefined;
  over?: Overlay | undefined;
}

function writeJournal(work: string, journal: Journal): void {
  const part = join(work, 'journal.part');
  writeFileSync(part, JSON.stringify(journal), { flush: true });
  renameSync(part, join(work, 'journal'));
}

function names(folder: string): string[] {
  return readdirSync(folder, { encoding: 'latin1' });
}

function has(folder: string, name: string): boolean {
  return lstatSync(placeIn(Buffer.from(folder), name), { throwIfNoEntry: false }) !== undefined;
}

function move(from: string, list: readonly string[], to: string): void {
  for (const name of list) moveTo(placeIn(Buffer.from(from), name), placeIn(Buffer.from(to), name));
}

function readJournal(work: string, shownAs: string): Journal | undefined {
  let text: string;
  try {
    text = readFileSync(join(work, 'journal'), 'utf8');
  } catch {
    return undefined; // the exchange had not begun, or was over
  }
  const value: unknown = JSON.parse(text);
  if (isRecord(value) && isNames(value.old) && isNames(value.new)) {
    const { old, new: fresh, hollow, over } = value;
    if (isOverlay(over)) return { old, new: fresh, over };
    if (over !== undefined) throw damaged(shownAs);
    if (hollow === undefined) return { old, new: fresh };
    if (isPaths(hollow)) return { old, new: fresh, hollow };
  }
  throw damaged(shownAs);
}

function damaged(work: string): SubpipeError {
  return new SubpipeError('FAILED', `${work}/journal is damaged`, {
    hint: `What was in the folder is in ${work}/old: move it back by hand, then remove ${work}.`,
  });
}

function isNames(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.every((item) => typeof item === 'string' && !item.includes('/') && item !== '..')
  );
}

function isPaths(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && isNames(item.split('/')));
}

function isOverlay(value: unknown): value is Overlay {
  return isRecord(value) && isPaths(value.paths) && isPaths(value.had);
}
