import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { type Entry, textEntry } from '../runtime/archive/layer/entry.ts';
import { SubpipeError } from '../runtime/errors.ts';
import { type ImageConfig, readConfig } from '../runtime/oci/config.ts';
import { copyBlob, readSmall } from '../runtime/oci/copy.ts';
import { Layout } from '../runtime/oci/layout.ts';
import { type Descriptor, formatPlatform } from '../runtime/oci/manifest.ts';
import { openTarget } from '../runtime/oci/open.ts';
import type { Target } from '../runtime/oci/target.ts';
import { composeImage, writeIndex } from './compose.ts';
import { cachedLayer } from './layer-cache.ts';
import { baseLibraries } from './libraries.ts';
import { type PlatformName, platforms } from './platform.ts';
import { cacheFolder } from './project.ts';

/** What an image stands on. */
export interface Base {
  /** For the annotation org.opencontainers.image.base.name. */
  name: string;
  digest: string;
  layers: Descriptor[];
  config: ImageConfig;
}

/** An image with no layers, to build a base on. */
export function emptyBase(platform: PlatformName): Base {
  const { os, architecture } = platforms[platform];
  const config = { os, architecture, config: {}, rootfs: { type: 'layers' as const, diff_ids: [] }, history: [] };
  return { name: '', digest: '', layers: [], config };
}

/**
 * Finds the base for a platform and brings its layers into `layout`.
 *
 * @param reference `HOST/PATH:TAG`, `oci:FOLDER` or `debian`.
 * @throws SubpipeError `INVALID` or `NOT_FOUND` when there is none for the platform.
 */
export async function fetchBase(
  reference: string,
  platform: PlatformName,
  layout: Layout,
  options: { plainHttp: boolean; signal?: AbortSignal | undefined },
): Promise<Base> {
  const name = reference === 'debian' ? await makeDebianBase([platform]) : reference;
  const plainHttp = options.plainHttp ? { plainHttp: true } : {};
  const { target, reference: wanted } = await openTarget(name, plainHttp);
  const manifest = await imageFor(target, wanted, platform, options.signal);
  const config = readConfig(await readSmall(target, manifest.value.config, options), target.name);
  const { os, architecture } = platforms[platform];
  if (config.os !== os || config.architecture !== architecture) {
    throw new SubpipeError('NOT_FOUND', `${target.name} is for ${formatPlatform(config)}, not for ${platform}`);
  }
  for (const layer of manifest.value.layers) await copyBlob(target, layout, layer, options);
  // A folder of this machine is no name that means anything to others.
  const shown = name.startsWith('oci:') ? '' : name;
  return { name: shown, digest: manifest.descriptor.digest, layers: manifest.value.layers, config };
}

async function imageFor(target: Target, reference: string, platform: PlatformName, signal: AbortSignal | undefined) {
  const found = await target.readManifest(reference, { signal });
  if (found.kind === 'image') return found;
  const { os, architecture } = platforms[platform];
  const entries = found.value.manifests;
  const entry = entries.find((item) => item.platform?.os === os && item.platform.architecture === architecture);
  if (entry === undefined) {
    const has = entries.flatMap((item) => (item.platform === undefined ? [] : formatPlatform(item.platform)));
    throw new SubpipeError(
      'NOT_FOUND',
      `${target.name} has no image for ${platform}: it has ${has.join(', ') || 'none'}`,
    );
  }
  const image = await target.readManifest(entry.digest, { signal });
  if (image.kind === 'image') return image;
  throw new SubpipeError('FAILED', `${target.name} has an index inside its index, where an image was expected`);
}

/** Makes a base from Debian's packages in the cache, once. @returns its `oci:` name. */
export async function makeDebianBase(names: PlatformName[]): Promise<string> {
  const tag = names.map((name) => platforms[name].architecture).join('-');
  const layout = await Layout.create(join(cacheFolder, 'base'));
  const images = [];
  for (const platform of names) {
    const entries = [...system(), ...(await withCertificates(await baseLibraries(platform)))];
    const layer = await cachedLayer(layout, entries, { kind: 'zstd', level: 12 });
    images.push(
      await composeImage(layout, {
        base: emptyBase(platform),
        layers: [{ ...layer, createdBy: "Debian's libc6, libgcc-s1, libstdc++6 and ca-certificates" }],
        created: 0,
        run: { User: '65532:65532', Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], WorkingDir: '/home/nonroot' },
        annotations: {},
      }),
    );
  }
  await writeIndex(layout, images, tag, {});
  return `oci:${layout.folder}:${tag}`;
}

/** Users, folders and files that programs expect of a system. */
function system(): Entry[] {
  return [
    textEntry(
      'etc/passwd',
      'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
    ),
    textEntry('etc/group', 'root:x:0:\nnonroot:x:65532:\n'),
    textEntry('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
    { type: 'folder', path: 'tmp', mode: 0o1777 },
    { type: 'folder', path: 'home/nonroot', mode: 0o700, uid: 65532, gid: 65532 },
    { type: 'folder', path: 'root', mode: 0o700 },
  ];
}

/** One file of all certificates, as update-ca-certificates makes it, in place of Debian's many. */
async function withCertificates(entries: Entry[]): Promise<Entry[]> {
  const isCertificate = ({ path }: Entry) => path.endsWith('.crt') && path.startsWith('usr/share/ca-certificates/');
  const parts: string[] = [];
  for (const entry of entries.filter(isCertificate).sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (entry.type === 'file') parts.push(`${(await textOf(entry.open())).trim()}\n`);
  }
  const rest = entries.filter((entry) => !isCertificate(entry));
  return parts.length === 0 ? rest : [...rest, textEntry('etc/ssl/certs/ca-certificates.crt', parts.join(''))];
}
