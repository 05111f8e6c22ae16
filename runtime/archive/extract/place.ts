import { Buffer } from 'node:buffer';

/** Where a path below a folder is, for calls of Node. @param path latin1, as in path.ts: one character a byte; empty for the folder. */
export function placeIn(folder: Buffer, path: string): Buffer {
  return path === '' ? folder : Buffer.concat([folder, Buffer.from('/'), Buffer.from(path, 'latin1')]);
}
