import { Transform, type TransformCallback, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { invalid } from '../../errors.ts';
import { type Digest, Meter } from '../../oci/digest.ts';
import type { Descriptor } from '../../oci/manifest.ts';
import { type Compression, compressor, layerMediaType } from './compression.ts';
import type { Entry } from './entry.ts';
import type { MapPlace } from './frame-map.ts';

export interface Layer {
  /** Of the layer as it is stored, compressed. */
  descriptor: Descriptor;
  /** Digest of the tar (image-spec, config.md "Layer DiffID"). */
  diffId: Digest;
  /** Bytes of the tar. */
  tarSize: number;
  /** Where it says which of its frames have what; not all layers do. */
  map?: MapPlace;
}

/**
 * Writes a layer (image-spec, layer.md) to `sink` and tells what was written. Reproducible: entries are sorted by
 * path, parent folders that are not listed are added, owners are numbers only, times are what the entries say.
 *
 * @throws SubpipeError `INVALID` when a path is absolute, has `..` or is listed twice.
 */
export async function writeLayer(
  entries: Entry[],
  sink: Writable,
  options: { compression?: Compression; signal?: AbortSignal | undefined } = {},
): Promise<Layer> {
  const compression = options.compression ?? { kind: 'zstd' };
  const plan = arrange(entries);
  const tar = pack();
  const plain = new Meter();
  const packed = new Meter();
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const flow = pipeline(tar, new Coalesce(), plain, compressor(compression), packed, sink, signal);
  const [, failed] = await Promise.allSettled([
    flow,
    fill(tar, plan).catch((error: unknown) => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }),
  ]);
  // What went wrong at the source explains more than the stream that broke because of it.
  if (failed.status === 'rejected') throw failed.reason;
  await flow;
  return {
    descriptor: { mediaType: layerMediaType(compression), digest: packed.digest, size: packed.size },
    diffId: plain.digest,
    tarSize: plain.size,
  };
}

async function fill(tar: Pack, entries: Entry[]): Promise<void> {
  for (const entry of entries) {
    const header = {
      name: entry.type === 'folder' ? `${entry.path}/` : entry.path,
      mode: entry.mode ?? (entry.type === 'folder' ? 0o755 : entry.type === 'symlink' ? 0o777 : 0o644),
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
      mtime: new Date((entry.mtime ?? 0) * 1000),
    };
    switch (entry.type) {
      case 'folder':
        await added((done) => tar.entry({ ...header, type: 'directory' }, done));
        break;
      case 'symlink':
        await added((done) => tar.entry({ ...header, type: 'symlink', linkname: entry.target }, done));
        break;
      case 'file':
        await addFile(tar, { ...header, type: 'file', size: entry.size }, entry);
        break;
      default:
        entry satisfies never;
    }
  }
  tar.finalize();
}

async function addFile(
  tar: Pack,
  header: Parameters<Pack['entry']>[0],
  entry: Extract<Entry, { type: 'file' }>,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const sink = tar.entry(header, (error) => (error ? done.reject(error) : done.resolve()));
  // tar-stream tells about a wrong size twice: an 'error' that nobody hears would end the process.
  sink.on('error', done.reject);
  const source = entry.open();
  source.on('error', (error) => sink.destroy(error));
  source.pipe(sink);
  try {
    await done.promise;
  } catch (cause) {
    throw invalid(`${entry.path} cannot be packed: it is not the ${entry.size} bytes that it was`, { cause });
  } finally {
    source.destroy();
  }
}

function added(add: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => add((error) => (error ? reject(error) : resolve())));
}

/** Sorted by path, with the parent folders that are missing. */
export function arrange(entries: Entry[]): Entry[] {
  const byPath = new Map<string, Entry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
      throw invalid(`"${entry.path}" cannot be in a layer: expected a relative path without "." and ".."`);
    }
    if (byPath.has(entry.path)) throw invalid(`${entry.path} is in the layer twice`);
    byPath.set(entry.path, entry);
  }
  for (const { path } of entries) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const parent = path.slice(0, at);
      if (!byPath.has(parent)) byPath.set(parent, { type: 'folder', path: parent });
    }
  }
  return [...byPath.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** tar-stream writes headers of 512 bytes; what follows is faster with large pieces. */
class Coalesce extends Transform {
  #held: Buffer[] = [];
  #size = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#held.push(chunk);
    this.#size += chunk.length;
    if (this.#size < 1024 * 1024) done();
    else this._flush(done);
  }

  override _flush(done: TransformCallback): void {
    const all = Buffer.concat(this.#held);
    this.#held = [];
    this.#size = 0;
    done(null, all.length === 0 ? undefined : all);
  }
}
