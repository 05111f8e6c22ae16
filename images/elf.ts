import { open } from 'node:fs/promises';
import { SubpipeError } from '../runtime/errors.ts';

/** A program without what only debuggers read: `size` bytes of the file, the first ones replaced by `head`. */
export interface Trimmed {
  head: Buffer;
  size: number;
}

/**
 * Leaves out symbol tables, debug information and section headers of a 64-bit little-endian ELF program. They follow
 * all that is loaded (System V ABI, "Program Header"), so the file is cut there; of Node that is a fifth. Works for
 * every architecture and needs no binutils.
 *
 * @throws SubpipeError `FAILED` when it is no such program.
 */
export async function trimElf(path: string): Promise<Trimmed> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(64);
    await file.read(head, 0, head.length, 0);
    if (head.toString('latin1', 0, 4) !== '\x7fELF' || head[4] !== 2 || head[5] !== 1) {
      throw new SubpipeError('FAILED', `${path} is not a 64-bit little-endian ELF program`);
    }
    const headers = {
      offset: Number(head.readBigUInt64LE(32)),
      size: head.readUInt16LE(54),
      count: head.readUInt16LE(56),
    };
    const table = Buffer.alloc(headers.size * headers.count);
    await file.read(table, 0, table.length, headers.offset);
    let size = headers.offset + table.length;
    for (let at = 0; at < table.length; at += headers.size) {
      size = Math.max(size, Number(table.readBigUInt64LE(at + 8) + table.readBigUInt64LE(at + 32)));
    }
    // No section headers: offset, count and the index of the names' section are 0.
    head.writeBigUInt64LE(0n, 40);
    head.writeUInt16LE(0, 60);
    head.writeUInt16LE(0, 62);
    return { head, size };
  } finally {
    await file.close();
  }
}
