import type { WorkspaceImage, WorkspaceLayer } from './image.ts';

/**
 * The layers of an image that has all that several images have: those that all begin with, and then the others' own.
 * What the order of own layers gets wrong is for the next layer to put right.
 */
export function stackLayers(images: readonly WorkspaceImage[]): WorkspaceLayer[] {
  const [first, ...others] = images;
  if (first === undefined) return [];
  const layers = [...first.layers];
  const known = new Set(layers.map(({ descriptor }) => descriptor.digest));
  for (const other of others) {
    for (const layer of other.layers) {
      if (known.has(layer.descriptor.digest)) continue;
      known.add(layer.descriptor.digest);
      layers.push(layer);
    }
  }
  return layers;
}
