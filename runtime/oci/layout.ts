import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open as openFile, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { invalid, SubpipeError } from '../errors.ts';
import { type Digest, isDigest, Meter, Verifier } from './digest.ts';
import { withLock } from './lock.ts';
import {
  type Descriptor,
  type ImageIndex,
  isRecord,
  manifestLimit,
  mediaTypes,
  parseJson,
  readManifest,
  type StoredManifest,
} from './manifest.ts';
import { publish, writeAndRename } from './publish.ts';
import { checkRange } from './range.ts';
import { describeReferrer } from './referrers.ts';
import type { Arrival, Deletion, Options, StreamOptions, Target, WriteOptions } from './target.ts';

const refName = 'org.opencontainers.image.ref.name';

/**
 * An OCI image layout folder (image-spec v1.1, image-layout.md): `oci-layout`, `index.json` and `blobs/sha256`.
 * Blobs are verified while they are written and appear by rename; so does each new `index.json`. A reader never sees
 * half of anything. Tags are the annotation `org.opencontainers.image.ref.name`. Any number of processes may write at
 * the same time: each change of `index.json` is made under a lock, from what the one before has written.
 */
export class Layout implements Target {
  readonly name: string;
  readonly folder: string;
  /** Changes of index.json wait for each other: each reads what the one before has written. */
  #indexChange: Promise<void> = Promise.resolve();

  private constructor(folder: string) {
    this.folder = folder;
    this.name = `oci:${folder}`;
  }

  /** Opens a layout, and makes an empty one first where there is none. */
  static async create(folder: string): Promise<Layout> {
    const layout = new Layout(folder);
    await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true });
    const path = join(folder, 'index.json');
    if (!(await exists(path))) {
      // Another process may make the same layout at this moment, and have a tag in it already.
      await withLock(`${path}.lock`, async (stillOurs) => {
        if (await exists(path)) return;
        await stillOurs();
        await layout.#writeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] });
      });
    }
    await writeAndRename(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    return layout;
  }

  /** @throws SubpipeError `INVALID` when the folder is no OCI layout of version 1. */
  static async open(folder: string): Promise<Layout> {
    const marker = await readFile(join(folder, 'oci-layout')).catch((cause: unknown) => {
      throw invalid(`${folder} is not an OCI layout: it has no readable file oci-layout`, { cause });
    });
    const value = parseJson(marker, folder);
    const version = isRecord(value) ? value.imageLayoutVersion : undefined;
    if (version !== '1.0.0') throw invalid(`${folder} has the layout version ${String(version)}, expected 1.0.0`);
    return new Layout(folder);
  }

  async hasBlob(blob: Descriptor): Promise<boolean> {
    const found = await stat(this.#path(blob.digest)).catch(() => undefined);
    return found?.isFile() === true && found.size === blob.size;
  }

  async readBlob(blob: Descriptor, options: Options = {}): Promise<Readable> {
    const file = await openFile(this.#path(blob.digest)).catch((cause: unknown) => {
      throw new SubpipeError('NOT_FOUND', `${this.name} has no blob ${blob.digest}`, { cause });
    });
    const verifier = new Verifier(blob, this.name);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    // The pipeline's own promise tells nothing that the reader of `verifier` is not told.
    pipeline(file.createReadStream({ highWaterMark: 1024 * 1024 }), verifier, signal).catch(() => {});
    return verifier;
  }

  async readRange(blob: Descriptor, start: number, length: number, options: Options = {}): Promise<Readable> {
    checkRange(blob, start, length);
    if (!(await this.hasBlob(blob))) throw new SubpipeError('NOT_FOUND', `${this.name} has no blob ${blob.digest}`);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    return createReadStream(this.#path(blob.digest), { start, end: start + length - 1, ...signal });
  }

  async findBlob(digest: Digest): Promise<Descriptor | undefined> {
    const found = await stat(this.#path(digest)).catch(() => undefined);
    return found?.isFile() ? { mediaType: 'application/octet-stream', digest, size: found.size } : undefined;
  }

  async writeBlob(
    blob: Descriptor,
    open: () => Readable | Promise<Readable>,
    options: WriteOptions = {},
  ): Promise<Arrival> {
    if (await this.hasBlob(blob)) return 'there';
    const path = this.#path(blob.digest);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const fill = async (sink: Writable): Promise<void> =>
      pipeline(await open(), new Verifier(blob, 'its source'), sink, signal);
    await publish(`${path}.${randomUUID()}.part`, fill, () => path);
    return 'sent';
  }

  async writeStream(
    mediaType: string,
    open: () => Readable | Promise<Readable>,
    options: StreamOptions = {},
  ): Promise<Descriptor> {
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const { descriptor } = await this.addBlob(async (sink) => {
      const meter = new Meter();
      await pipeline(await open(), meter, (bytes) => fill(sink, bytes, options.written), signal);
      return { descriptor: { mediaType, digest: meter.digest, size: meter.size } };
    });
    return descriptor;
  }

  /**
   * Stores a blob whose digest is known only once it is written. `write` fills the sink and returns what it wrote,
   * measured on the way.
   */
  async addBlob<Written extends { descriptor: Descriptor }>(
    write: (sink: Writable) => Promise<Written>,
  ): Promise<Written> {
    const part = join(this.folder, 'blobs', 'sha256', `${randomUUID()}.part`);
    return publish(part, write, (written) => this.#path(written.descriptor.digest));
  }

  async readManifest(reference: string, _options: Options = {}): Promise<StoredManifest> {
    const index = await this.index();
    const entry = isDigest(reference)
      ? index.manifests.find((item) => item.digest === reference)
      : index.manifests.findLast((item) => item.annotations?.[refName] === reference);
    if (entry === undefined && !isDigest(reference)) {
      const tags = index.manifests.flatMap((item) => item.annotations?.[refName] ?? []);
      const has = tags.length === 0 ? 'it has no tags' : `it has ${tags.slice(0, 10).join(', ')}`;
      throw new SubpipeError('NOT_FOUND', `${this.name} has no tag "${reference}": ${has}`);
    }
    const digest = entry?.digest ?? reference;
    if (!isDigest(digest)) throw new Error('unreachable: an entry or a digest');
    const bytes = await this.#readSmall(digest);
    const stored = readManifest(bytes, entry?.mediaType ?? ownType(bytes, this.name), this.name);
    if (stored.descriptor.digest === digest) return stored;
    throw new SubpipeError('FAILED', `${digest} from ${this.name} has the digest ${stored.descriptor.digest}`);
  }

  async writeManifest(manifest: StoredManifest, tag?: string, options: Options = {}): Promise<void> {
    const { mediaType, digest, size } = manifest.descriptor;
    await this.writeBlob(manifest.descriptor, () => Readable.from([manifest.bytes]), options);
    if (tag !== undefined) await this.tag({ mediaType, digest, size }, tag);
    // A referrer is found by the index alone, so it is in there also without a name.
    else if (manifest.value.subject !== undefined) await this.#change((entries) => withEntry(entries, manifest));
  }

  /** Names a manifest that is there. What had the name before loses it. @param extra more annotations of the entry. */
  async tag(descriptor: Descriptor, tag: string, extra: Record<string, string> = {}): Promise<void> {
    const entry = { ...descriptor, annotations: { ...descriptor.annotations, ...extra, [refName]: tag } };
    await this.#change((entries) => [...entries.filter((item) => nameOf(item) !== tag), entry]);
  }

  async listTags(): Promise<string[]> {
    return (await this.index()).manifests.flatMap((item) => item.annotations?.[refName] ?? []).sort();
  }

  async referrers(subject: Digest, options: Options & { artifactType?: string } = {}): Promise<Descriptor[]> {
    const found = new Map<string, Descriptor>();
    for (const { digest } of (await this.index()).manifests) {
      const manifest = await this.readManifest(digest, options);
      if (manifest.value.subject?.digest === subject) found.set(digest, describeReferrer(manifest));
    }
    const { artifactType } = options;
    return [...found.values()].filter((item) => artifactType === undefined || item.artifactType === artifactType);
  }

  deleteTag(tag: string): Promise<Deletion> {
    return this.#remove((item) => nameOf(item) === tag);
  }

  /** Its blobs stay, as another manifest may have them too. */
  async deleteManifest(digest: Digest): Promise<Deletion> {
    const path = this.#path(digest);
    const named = await this.#remove((item) => item.digest === digest);
    const there = await exists(path);
    await rm(path, { force: true });
    return there ? 'deleted' : named;
  }

  async #remove(goes: (item: Descriptor) => boolean): Promise<Deletion> {
    let removed = 0;
    await this.#change((entries) => {
      const stay = entries.filter((item) => !goes(item));
      removed = entries.length - stay.length;
      return stay;
    });
    return removed > 0 ? 'deleted' : 'absent';
  }

  async #change(make: (entries: Descriptor[]) => Descriptor[]): Promise<void> {
    const change = this.#indexChange.then(() =>
      withLock(join(this.folder, 'index.json.lock'), async (stillOurs) => {
        const index = await this.index();
        const manifests = make(index.manifests).sort((a, b) => compare(nameOf(a), nameOf(b)));
        await stillOurs();
        await this.#writeIndex({ ...index, manifests });
      }),
    );
    this.#indexChange = change.catch(() => {});
    await change;
  }

  /** `index.json`. @throws SubpipeError `FAILED` when it is not an image index. */
  async index(): Promise<ImageIndex> {
    const bytes = await readFile(join(this.folder, 'index.json')).catch((cause: unknown) => {
      throw new SubpipeError('FAILED', `${this.name} has no readable index.json`, { cause });
    });
    const stored = readManifest(bytes, mediaTypes.index, `${this.name}/index.json`);
    if (stored.kind !== 'index') throw new Error('unreachable: read as an index');
    return stored.value;
  }

  async #writeIndex(index: ImageIndex): Promise<void> {
    await writeAndRename(join(this.folder, 'index.json'), JSON.stringify(index));
  }

  async #readSmall(digest: Digest): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of createReadStream(this.#path(digest))) {
        size += chunk.length;
        if (size > manifestLimit)
          throw new SubpipeError(
            'FAILED',
            `${digest} from ${this.name} is no manifest: it is larger than ${manifestLimit} bytes`,
          );
        chunks.push(chunk);
      }
    } catch (cause) {
      if (cause instanceof SubpipeError) throw cause;
      throw new SubpipeError('NOT_FOUND', `${this.name} has no manifest ${digest}`, { cause });
    }
    return Buffer.concat(chunks);
  }

  /** Digests are checked here once more: a name from a hostile index never becomes a path outside the folder. */
  #path(digest: string): string {
    if (!isDigest(digest)) throw new SubpipeError('FAILED', `"${digest}" in ${this.name} is not a sha256 digest`);
    return join(this.folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
  }
}

/** Writes a stream to its end, each piece once the one before is written. */
async function fill(sink: Writable, bytes: AsyncIterable<Buffer>, written?: (bytes: Buffer) => void): Promise<void> {
  for await (const piece of bytes) {
    await new Promise<void>((resolve, reject) => sink.write(piece, (error) => (error ? reject(error) : resolve())));
    written?.(piece);
  }
  sink.end();
  await finished(sink);
}

function ownType(bytes: Buffer, source: string): string {
  const value = parseJson(bytes, source);
  if (isRecord(value) && typeof value.mediaType === 'string') return value.mediaType;
  return isRecord(value) && Array.isArray(value.manifests) ? mediaTypes.index : mediaTypes.manifest;
}

function nameOf(entry: Descriptor): string {
  return entry.annotations?.[refName] ?? '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function withEntry(entries: Descriptor[], { descriptor }: StoredManifest): Descriptor[] {
  return entries.some(({ digest }) => digest === descriptor.digest) ? entries : [...entries, descriptor];
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
