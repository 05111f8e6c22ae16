import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Snapshot } from '../archive/tree/snapshot.ts';
import { loadState, type StateDraft } from '../archive/tree/state.ts';
import { invalid, SubpipeError } from '../errors.ts';
import { imageKept, keptImage, type WorkspaceImage } from './image.ts';

/** Shared by all steps of a pod, and by nothing else (Tekton docs, container-contract.md). */
const tektonHome = '/tekton/home';

/**
 * What a push starts from: the images' layers; nothing, as they cannot be built upon (artifacts, merges that a policy
 * decided); or nothing that is known, where only a part of such a merge is in the folder.
 */
export type Basis = 'layers' | 'whole' | 'unknown';

/** What is remembered of a workspace: the images that its content is of, and how each thing in it looked then. */
export interface Memory {
  basis: Basis;
  /** What the content was made from. */
  images: readonly WorkspaceImage[];
  /** Only a part of the images was pulled. */
  partial: boolean;
  /** Which part. */
  paths?: readonly string[] | undefined;
  /** How they were pulled: a pull that asks for the same has nothing to do. */
  request: string;
  snapshot: Snapshot;
}

/**
 * Where the memory of a workspace is: `FOLDER/NAME.state`, outside of the workspace itself.
 *
 * @param options.stateFolder default: `/tekton/home/.subpipe`, which the steps of a pod share, or `subpipe` in the
 * user's cache folder.
 * @param options.name default: from the folder's path.
 * @throws SubpipeError `INVALID` when it would be in the workspace.
 */
export function memoryFile(
  folder: string,
  options: { stateFolder?: string | undefined; name?: string | undefined; env: NodeJS.ProcessEnv },
): string {
  const { env, stateFolder = standardFolder(env) } = options;
  const place = resolve(stateFolder);
  const full = real(folder);
  if (`${real(place)}${sep}`.startsWith(full === sep ? sep : `${full}${sep}`)) {
    throw invalid(`--state-folder is ${stateFolder}, which is in the workspace ${folder}: expected a folder outside`);
  }
  return join(place, `${fileName(options.name ?? full)}.state`);
}

/** Bytes: each thing takes a hundred and more. */
const much = 256 * 1024;

const bases: readonly Basis[] = ['layers', 'whole', 'unknown'];

/** Undefined where nothing is remembered. @throws SubpipeError `FAILED` when the file is damaged. */
export function recall(file: string): Memory | undefined {
  const state = loadState(file);
  if (state === undefined) return undefined;
  const { images, partial, paths, request, basis } = state.about;
  const known = bases.find((one) => one === basis);
  if (!Array.isArray(images) || typeof request !== 'string' || known === undefined) return undefined;
  const kept = images.flatMap((image) => imageKept(image) ?? []);
  const list = Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : undefined;
  return { basis: known, images: kept, partial: partial === true, paths: list, request, snapshot: state.snapshot };
}

/** Whether it is of thousands of things: then there are most likely as many now. */
export function knowsMuch(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= much;
}

/** @param draft of the snapshot, in the file of {@link memoryFile}. */
export async function remember(
  draft: StateDraft,
  { images, ...about }: Omit<Memory, 'snapshot'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await draft.keep({ ...about, images: images.map(keptImage) }, { signal });
}

/**
 * That something can be remembered is to be known before a workspace is replaced. Makes the folder.
 * @throws SubpipeError `FAILED` where nothing can be written there.
 */
export function checkMemory(file: string): void {
  const folder = dirname(file);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new SubpipeError('FAILED', `cannot write to ${folder}, where is kept what a pull has seen`, {
      cause,
      hint: 'Name another folder with --state-folder.',
    });
  }
}

export function forget(file: string): void {
  rmSync(file, { force: true });
}

function standardFolder(env: NodeJS.ProcessEnv): string {
  if (isWritable(tektonHome)) return join(tektonHome, '.subpipe');
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'subpipe', 'workspaces');
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Readable where it can be, and never the same for two names. */
function fileName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  const plain = name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+/, '');
  return `${plain.slice(-60)}-${hash}`;
}

/** Without links, also in the folders above what is not there yet: it is the same before and after it is made. */
function real(path: string): string {
  const full = resolve(path);
  try {
    return realpathSync(full);
  } catch {
    const above = dirname(full);
    return above === full ? full : join(real(above), basename(full));
  }
}
