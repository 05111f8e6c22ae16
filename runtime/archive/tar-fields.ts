import { shown } from './path.ts';
import { block, type TarHeader } from './tar-header.ts';

/** What an entry is, by its flag; old tars tell folders by a slash at the end. */
export function typeOf(flag: string, path: string): Pick<TarHeader, 'type' | 'what'> {
  switch (flag) {
    case '0':
    case '\0':
    case '7':
    case 'S':
      return { type: path.endsWith('/') ? 'folder' : 'file' };
    case '1':
      return { type: 'hardlink' };
    case '2':
      return { type: 'symlink' };
    case '5':
      return { type: 'folder' };
    case '3':
    case '4':
      return { type: 'other', what: 'a device' };
    case '6':
      return { type: 'other', what: 'a pipe' };
    default:
      return { type: 'other', what: `an entry of type "${shown(flag)}"` };
  }
}

/** Whether the bytes of a header add up to what it says. */
export function checksumFits(head: Buffer): boolean {
  const told = Number.parseInt(field(head, 148, 8).trim(), 8);
  let unsigned = 8 * 32;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) unsigned += head[i] ?? 0;
  if (told === unsigned) return true;
  // Some old programs added bytes up as signed.
  let signed = 8 * 32;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) signed += head.readInt8(i);
  return told === signed;
}

/** The bytes of a field, up to a NUL. */
export function field(bytes: Buffer, from: number, length: number): string {
  const end = bytes.indexOf(0, from);
  return bytes.toString('latin1', from, end < 0 || end > from + length ? from + length : end);
}

/** Bytes before the first NUL. */
export function lengthOf(content: Buffer): number {
  const end = content.indexOf(0);
  return end < 0 ? content.length : end;
}

/** A time of an extended header: `-0.1` is -1 s and 900,000,000 ns. */
export function seconds(text: string | undefined): { mtime: number; nanoseconds: number } | undefined {
  const found = text?.match(/^(-?)(\d{1,15})(?:\.(\d*))?$/);
  if (found === null || found === undefined) return undefined;
  const [, sign, whole, fraction = ''] = found;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  const value = Number(whole);
  if (sign === '') return { mtime: value, nanoseconds };
  return nanoseconds === 0 ? { mtime: -value, nanoseconds } : { mtime: -value - 1, nanoseconds: 1e9 - nanoseconds };
}
