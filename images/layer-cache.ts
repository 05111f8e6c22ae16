import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { Compression } from '../runtime/archive/layer/compression.ts';
import type { Entry } from '../runtime/archive/layer/entry.ts';
import { arrange, type Layer, writeLayer } from '../runtime/archive/layer/layer.ts';
import { copyBlob } from '../runtime/oci/copy.ts';
import { isDigest } from '../runtime/oci/digest.ts';
import { Layout } from '../runtime/oci/layout.ts';
import { isRecord, readDescriptor } from '../runtime/oci/manifest.ts';
import { cacheFolder } from './project.ts';

/**
 * A layer in `layout`, compressed only when its entries differ from all that were compressed before: Node's takes
 * seconds. The cache knows a layer by a hash of everything that goes into it.
 */
export async function cachedLayer(
  layout: Layout,
  entries: Entry[],
  compression: Compression,
  signal?: AbortSignal,
): Promise<Layer> {
  const folder = join(cacheFolder, 'layers');
  const store = await Layout.create(folder);
  const file = join(folder, `${await keyOf(entries, compression)}.json`);
  let layer = await recall(file);
  if (layer === undefined || !(await store.hasBlob(layer.descriptor))) {
    layer = await store.addBlob((sink) => writeLayer(entries, sink, { compression, signal }));
    await mkdir(folder, { recursive: true });
    await writeFile(`${file}.${process.pid}`, JSON.stringify(layer));
    await rename(`${file}.${process.pid}`, file);
  }
  await copyBlob(store, layout, layer.descriptor, { signal });
  return layer;
}

async function keyOf(entries: Entry[], compression: Compression): Promise<string> {
  // The libraries that compress are Node's.
  const hash = createHash('sha256').update(JSON.stringify([process.versions.zstd, process.versions.zlib, compression]));
  for (const entry of arrange(entries)) {
    hash.update(JSON.stringify(entry));
    if (entry.type === 'file') for await (const chunk of entry.open()) hash.update(chunk);
  }
  return hash.digest('hex');
}

async function recall(file: string): Promise<Layer | undefined> {
  const value: unknown = JSON.parse(await readFile(file, 'utf8').catch(() => 'null'));
  if (!isRecord(value) || typeof value.diffId !== 'string' || !isDigest(value.diffId)) return undefined;
  const tarSize = typeof value.tarSize === 'number' ? value.tarSize : 0;
  return { descriptor: readDescriptor(value.descriptor, file, 'descriptor'), diffId: value.diffId, tarSize };
}
