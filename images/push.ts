import process from 'node:process';
import { copy } from '../runtime/oci/copy.ts';
import type { Layout } from '../runtime/oci/layout.ts';
import { formatName, parseName } from '../runtime/oci/name.ts';
import { Registry } from '../runtime/oci/registry.ts';
import type { Built } from './build-images.ts';

/** Pushes images to PREFIX/NAME:TAG. @returns their references with digest, by name. */
export async function pushImages(
  layout: Layout,
  images: Built[],
  options: { prefix: string; tag: string; plainHttp: boolean; signal?: AbortSignal },
): Promise<Map<string, string>> {
  const references = new Map<string, string>();
  let first: string | undefined;
  for (const { name, descriptor } of images) {
    const to = { ...parseName(`${options.prefix}/${name}:${options.tag}`), digest: descriptor.digest };
    const registry = await Registry.open(to, options.plainHttp ? { plainHttp: true } : {});
    let sent = 0;
    await copy(layout, registry, descriptor.digest, {
      tag: options.tag,
      // The layers that all images share are sent once, and mounted by the registry from then on.
      ...(first === undefined ? {} : { mountFrom: first }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      progress: (done) => {
        if (done.arrival === 'sent') sent += done.descriptor.size;
      },
    });
    first ??= to.repository;
    references.set(name, formatName(to));
    process.stderr.write(`images: pushed ${formatName(to)} (${(sent / 1e6).toFixed(2)} MB sent)\n`);
  }
  return references;
}
