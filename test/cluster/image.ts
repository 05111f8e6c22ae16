import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

/** What an image holds: a program from this machine, a text, or a symbolic link. */
export type ImageFile = { path: string } & ({ source: string } | { text: string } | { link: string });

export type Image = { name: string; entrypoint: readonly string[]; files: readonly ImageFile[] };

type Descriptor = { mediaType: string; digest: string; size: number; annotations?: Record<string, string> };

/** The same files give the same image, whenever it is made. */
const mtime = new Date(0);

const oci = 'application/vnd.oci.image';

/** The platform of this machine, by OCI's names. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** Writes an OCI layout folder (image-spec, image-layout.md) with the images in it, one layer each. */
export async function writeLayout(folder: string, images: readonly Image[]): Promise<void> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const manifests: Descriptor[] = [];
  for (const image of images) manifests.push(await writeImage(folder, image));
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests }),
  );
}

async function writeImage(folder: string, image: Image): Promise<Descriptor> {
  const layer = await writeLayer(folder, image.files);
  const config = await writeBlob(folder, `${oci}.config.v1+json`, {
    architecture,
    os: 'linux',
    config: { Entrypoint: image.entrypoint, Env: ['PATH=/usr/local/bin:/usr/bin:/bin:/ko-app'] },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = await writeBlob(folder, `${oci}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config,
    layers: [layer],
  });
  return { ...manifest, annotations: { 'io.containerd.image.name': image.name } };
}

async function writeLayer(folder: string, files: readonly ImageFile[]): Promise<Descriptor> {
  const tar = pack();
  const draft = join(folder, 'layer.new');
  const hash = createHash('sha256');
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  const written = pipeline(tar, measure, createWriteStream(draft));
  const fill = async () => {
    tar.entry({ mtime, name: 'tmp', type: 'directory', mode: 0o1777 });
    for (const parent of foldersOf(files)) tar.entry({ mtime, name: parent, type: 'directory', mode: 0o755 });
    for (const file of files) {
      if ('link' in file) tar.entry({ mtime, name: file.path, type: 'symlink', linkname: file.link });
      else if ('text' in file) tar.entry({ mtime, name: file.path, mode: 0o644 }, file.text);
      else {
        const entry = tar.entry({ mtime, name: file.path, mode: 0o755, size: (await stat(file.source)).size });
        await pipeline(createReadStream(file.source), entry);
      }
    }
    tar.finalize();
  };
  await Promise.all([written, fill()]);
  const digest = hash.digest('hex');
  await rename(draft, join(folder, 'blobs/sha256', digest));
  return { mediaType: `${oci}.layer.v1.tar`, digest: `sha256:${digest}`, size };
}

/** Every folder above the files, parents first. */
export function foldersOf(files: readonly { path: string }[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) folders.add(parts.slice(0, depth).join('/'));
  }
  return [...folders].filter((folder) => folder !== 'tmp');
}

async function writeBlob(folder: string, mediaType: string, value: unknown): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(folder, 'blobs/sha256', digest), bytes);
  return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
}
