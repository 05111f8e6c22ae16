import type { Buffer } from 'node:buffer';
import { field, seconds, type TarNumbers, typeOf } from './fields.ts';
import type { TarHeader } from './header.ts';
import { attributesIn, type PaxRecords } from './pax.ts';

/** What the header at `from` says of its entry, with what is said in front of it. */
export function describeEntry(
  bytes: Buffer,
  from: number,
  flag: string,
  size: number,
  records: PaxRecords,
  numbers: TarNumbers,
): TarHeader {
  const number = (key: string): number | undefined => {
    const value = records.said(key);
    return value === undefined ? undefined : numbers.decimal(value, key);
  };
  const path = records.said('GNU.sparse.name') ?? records.said('path') ?? nameIn(bytes, from);
  const { type, what } = typeOf(flag, path);
  const time = seconds(records.get('mtime')) ?? {
    mtime: numbers.number(bytes, from + 136, 12, 'mtime'),
    nanoseconds: 0,
  };
  const realSize =
    flag === 'S'
      ? numbers.number(bytes, from + 483, 12, 'size')
      : (number('GNU.sparse.realsize') ?? number('GNU.sparse.size'));
  const header: TarHeader = {
    path,
    type,
    mode: numbers.number(bytes, from + 100, 8, 'mode') & 0o7777,
    uid: number('uid') ?? numbers.number(bytes, from + 108, 8, 'uid'),
    gid: number('gid') ?? numbers.number(bytes, from + 116, 8, 'gid'),
    size: type === 'file' ? (realSize ?? number('size') ?? size) : 0,
    mtime: time.mtime,
    nanoseconds: time.nanoseconds,
  };
  if (what !== undefined) header.what = what;
  if (type === 'symlink' || type === 'hardlink')
    header.target = records.said('linkpath') ?? field(bytes, from + 157, 100);
  const attributes = attributesIn(records);
  if (attributes !== undefined) header.attributes = attributes;
  return header;
}

/** Of a header: the prefix of ustar is in front of the name. */
function nameIn(bytes: Buffer, from: number): string {
  const name = field(bytes, from, 100);
  if (bytes[from + 345] === 0 || bytes.toString('latin1', from + 257, from + 263) !== 'ustar\0') return name;
  return `${field(bytes, from + 345, 155)}/${name}`;
}
