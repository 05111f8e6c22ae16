import { spawnSync } from 'node:child_process';
import { createWriteStream, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { type Extracted, type ExtractOptions, extractLayers } from '../../runtime/archive/extract/extract.ts';
import { replaceFolder } from '../../runtime/archive/extract/replace.ts';
import type { LayerSource } from '../../runtime/archive/layer/read-layer.ts';
import { type WriteTreeOptions, writeTree } from '../../runtime/archive/pack/write-tree.ts';
import { fromText } from '../../runtime/archive/path.ts';
import { padded, type TarHeader, writeHeader } from '../../runtime/archive/tar/header.ts';
import { allOf, type Change } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import type { Snapshot } from '../../runtime/archive/tree/snapshot.ts';
import { StateDraft } from '../../runtime/archive/tree/state.ts';
import { digestOf } from '../../runtime/oci/digest.ts';

export function scratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'subpipe-test-'));
}

/** Writes a state file. */
export async function saveState(file: string, snapshot: Snapshot, about: Record<string, unknown>): Promise<void> {
  await using draft = new StateDraft(file, snapshot);
  await draft.keep(about);
}

/** A layer that is in memory. */
export function layerOf(bytes: Buffer, name = 'the layer'): LayerSource {
  return { name, size: bytes.length, open: async () => Readable.from([bytes]) };
}

export async function packed(
  root: string,
  options: WriteTreeOptions = {},
  changes?: Iterable<Change>,
): Promise<Buffer> {
  const file = join(await scratch(), 'layer');
  const tree = await scanTree(root);
  const layer = await writeTree(tree, changes ?? allOf(tree), createWriteStream(file), options);
  const bytes = await readFile(file);
  if (layer.descriptor.digest !== digestOf(bytes)) throw new Error('the digest is not the digest');
  return bytes;
}

export async function extracted(layers: Buffer[], target: string, options: ExtractOptions = {}): Promise<Extracted> {
  const stages = layers.map((bytes, i) => ({ layer: layerOf(bytes, `layer ${i}`) }));
  return replaceFolder(target, (folder) => extractLayers(stages, folder, options));
}

/** The bytes of a header, with what is in front of it. */
export function encodeHeader(header: Parameters<typeof writeHeader>[0]): Buffer {
  const blocks = {
    piece: Buffer.alloc(2 * 1024 * 1024),
    used: 0,
    advance(length: number) {
      this.used += length;
    },
  };
  writeHeader(header, blocks);
  return Buffer.from(blocks.piece.subarray(0, blocks.used));
}

/** Bytes of a tar with these entries, as a hostile or careless program may write it. */
export function tarOf(...entries: (Partial<TarHeader> & { path: string; content?: string })[]): Buffer {
  const parts = entries.flatMap(({ content = '', path, ...header }) => {
    const all = { mode: 0o644, uid: 0, gid: 0, mtime: 0, nanoseconds: 0, type: 'file' as const, ...header };
    const bytes = Buffer.from(content);
    const head = encodeHeader({ ...all, size: header.size ?? bytes.length, path: fromText(path) });
    return [head, bytes, Buffer.alloc(padded(bytes.length) - bytes.length)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** An extended header of a kind, as it may come any number of times. */
export function extended(flag: 'x' | 'g', records: string): Buffer {
  const bytes = tarOf({ path: 'pax', content: records }).subarray(0, 512 + padded(records.length));
  bytes.write(flag, 156, 'latin1');
  bytes.write('        ', 148, 'latin1');
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** All that can be seen of a tree, for comparing. */
export function look(root: string): Map<string, unknown> {
  const seen = new Map<string, unknown>();
  const inodes = new Map<bigint, string>();
  const visit = (folder: Buffer): void => {
    for (const name of readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare)) {
      const path = Buffer.concat([folder, Buffer.from('/'), name]);
      const found = lstatSync(path, { bigint: true });
      const key = path.subarray(Buffer.byteLength(root)).toString('latin1');
      const first = found.isFile() ? (inodes.get(found.ino) ?? key) : key;
      inodes.set(found.ino, first);
      seen.set(key, {
        mode: found.mode,
        mtime: found.mtimeNs,
        uid: found.uid,
        gid: found.gid,
        first,
        content: found.isFile() ? digestOf(readFileSync(path)) : undefined,
        target: found.isSymbolicLink() ? readlinkSync(path, 'latin1') : undefined,
      });
      if (found.isDirectory()) visit(path);
    }
  };
  visit(Buffer.from(root));
  return seen;
}

/**
 * Runs {@link replaceFolder} in a process of its own that ends itself at its rename number `count`, as if it was killed:
 * it puts these files into `target`. @returns whether it was, else it has done all.
 */
export function killedAtRename(
  count: number,
  target: string,
  files: Record<string, string>,
  how: 'all' | 'over',
): boolean {
  const program = `
    import fs from 'node:fs';
    import path from 'node:path';
    import { syncBuiltinESMExports } from 'node:module';
    const { renameSync } = fs;
    const [count, target, files, how] = process.argv.slice(1);
    let left = Number(count);
    fs.renameSync = (from, to) => { if (left-- === 0) process.kill(process.pid, 'SIGKILL'); renameSync(from, to); };
    syncBuiltinESMExports();
    const { replaceFolder } = await import(${JSON.stringify(join(import.meta.dirname, '../../runtime/archive/extract/replace.ts'))});
    await replaceFolder(target, async (folder) => {
      for (const [name, content] of Object.entries(JSON.parse(files))) {
        fs.mkdirSync(path.dirname(folder + '/' + name), { recursive: true });
        fs.writeFileSync(folder + '/' + name, content);
      }
    }, how);`;
  const args = ['--input-type=module', '-e', program, String(count), target, JSON.stringify(files), how];
  const run = spawnSync(process.execPath, args);
  if (run.status !== 0 && run.signal !== 'SIGKILL') throw new Error(String(run.stderr));
  return run.status !== 0;
}
