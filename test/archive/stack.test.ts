import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { numbers } from '../support/random.ts';
import { extracted, scratch, tarOf } from './support.ts';

/** What a layer says: files by path, what is removed, folders that are emptied. */
interface Said {
  files: Map<string, string>;
  removed: string[];
  emptied: string[];
}

function generate(next: () => number): Said {
  const name = (): string => 'abc'[Math.floor(next() * 3)] ?? 'a';
  const path = (): string => Array.from({ length: 1 + Math.floor(next() * 3) }, name).join('/');
  const several = (most: number): string[] => Array.from({ length: Math.floor(next() * most) }, path);
  const files = new Map<string, string>();
  for (const file of several(6)) {
    const isFree = [...files.keys()].every(
      (other) => !`${other}/`.startsWith(`${file}/`) && !file.startsWith(`${other}/`),
    );
    if (isFree) files.set(file, String(next()));
  }
  return { files, removed: several(3), emptied: several(2) };
}

/** Layers one after the other, the lowest first (image-spec, layer.md "Applying Changesets"). */
function applied(layers: readonly Said[]): Map<string, string> {
  const tree = new Map<string, string>();
  const remove = (folder: string): void => {
    for (const path of [...tree.keys()]) if (path.startsWith(`${folder}/`)) tree.delete(path);
  };
  for (const { files, removed, emptied } of layers) {
    for (const path of removed) tree.delete(path);
    for (const path of [...removed, ...emptied]) remove(path);
    for (const [path, content] of files) {
      remove(path);
      for (const other of [...tree.keys()]) if (path.startsWith(`${other}/`)) tree.delete(other);
      tree.set(path, content);
    }
  }
  return tree;
}

function tarOfLayer({ files, removed, emptied }: Said): Buffer {
  const mark = (path: string): string => path.replace(/[^/]+$/, '.wh.$&');
  return tarOf(
    ...removed.map((path) => ({ path: mark(path) })),
    ...emptied.map((path) => ({ path: `${path}/.wh..wh..opq` })),
    ...[...files].map(([path, content]) => ({ path, content })),
  );
}

test('layers read from the last to the first are what they are one after the other, with no folder told', async () => {
  const next = numbers(7);
  const folder = await scratch();
  for (let run = 0; run < 300; run++) {
    const layers = Array.from({ length: 2 + Math.floor(next() * 3) }, () => generate(next));
    const target = join(folder, String(run));
    await extracted(layers.map(tarOfLayer), target);
    const found = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const content = found.map((entry) => {
      const full = join(entry.parentPath, entry.name);
      return [full.slice(target.length + 1), readFileSync(full, 'utf8')] as const;
    });
    assert.deepEqual(
      new Map(content.sort()),
      new Map([...applied(layers)].sort()),
      inspect({ run, layers }, { depth: 4 }),
    );
  }
});
