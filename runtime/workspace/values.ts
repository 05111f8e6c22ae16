import type { MergePolicy } from '../archive/merge/decide.ts';
import type { Times } from '../archive/pack/write-tree.ts';
import { invalid } from '../errors.ts';
import type { Platform } from '../oci/manifest.ts';

/** `error`, `first`, `last` or `ours=IMAGE`. @throws SubpipeError `INVALID` that names `where`. */
export function readMerge(text: string, where: string): MergePolicy {
  if (text === 'error' || text === 'first' || text === 'last') return text;
  if (text.startsWith('ours=') && text.length > 'ours='.length) return { ours: text.slice('ours='.length) };
  throw invalid(`${where} must be error, first, last or ours=IMAGE, but is ${JSON.stringify(text)}`);
}

/** `keep`, or numbers as `UID:GID` or `UID`. @throws SubpipeError `INVALID` that names `where`. */
export function readOwner(text: string, where: string, words = 'keep'): 'keep' | { uid: number; gid: number } {
  if (text === 'keep') return 'keep';
  const [, uid, gid = uid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? [];
  const owner = { uid: Number(uid), gid: Number(gid) };
  // The last number means "nobody" to chown(2).
  if (uid !== undefined && owner.uid < 2 ** 32 - 1 && owner.gid < 2 ** 32 - 1) return owner;
  throw invalid(`${where} must be ${words} or UID:GID, but is ${JSON.stringify(text)}`);
}

/** `nanoseconds`, `seconds`, or seconds since 1970. @throws SubpipeError `INVALID` that names `where`. */
export function readTimes(text: string, where: string): Times {
  if (text === 'nanoseconds' || text === 'seconds') return text;
  if (/^\d{1,12}$/.test(text)) return { latest: Number(text) };
  throw invalid(
    `${where} must be nanoseconds, seconds or a number of seconds since 1970, but is ${JSON.stringify(text)}`,
  );
}

/** `12h` or `2w`, as Quay reads it. @throws SubpipeError `INVALID` that names `where`: Quay would keep the image for ever. */
export function readExpiry(text: string, where: string): string {
  if (/^\d{1,9}[smhdw]$/.test(text)) return text;
  throw invalid(
    `${where} must be a number and one of s, m, h, d, w, such as 12h or 2w, but is ${JSON.stringify(text)}`,
  );
}

/** `linux/arm64` or `linux/arm/v7`. @throws SubpipeError `INVALID` that names `where`. */
export function readPlatform(text: string, where: string): Platform {
  const [os = '', architecture = '', variant, ...more] = text.split('/');
  if (os !== '' && architecture !== '' && variant !== '' && more.length === 0) {
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  }
  throw invalid(`${where} must be OS/ARCHITECTURE such as linux/arm64, but is ${JSON.stringify(text)}`);
}
