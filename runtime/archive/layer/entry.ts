import { Readable } from 'node:stream';

interface Common {
  /** Relative, with `/`, without `.` and `..`: `usr/bin/node`. */
  path: string;
  /** Permission bits. Default: 0o755 for folders, 0o644 for files. */
  mode?: number;
  /** Default 0. */
  uid?: number;
  /** Default 0. */
  gid?: number;
  /** Seconds since 1970. Default 0, so that the same content gives the same digest. */
  mtime?: number;
}

/** Something in a layer. A file's `open` gives exactly `size` bytes, or writing the layer fails. */
export type Entry =
  | (Common & { type: 'file'; size: number; open: () => Readable })
  | (Common & { type: 'folder' })
  | (Common & { type: 'symlink'; target: string });

/** A file with this content. */
export function textEntry(path: string, content: string | Buffer, more: Omit<Common, 'path'> = {}): Entry {
  const bytes = Buffer.from(content);
  return { ...more, type: 'file', path, size: bytes.length, open: () => Readable.from([bytes]) };
}
