import type { WorkspaceLayer } from './image.ts';
import { mountSource, openPlace, type Place, type Registries } from './reference.ts';
import { together } from './together.ts';

/** Small enough for slow registries, large enough that latency does not add up. */
const parallel = 4;

/** Makes sure that a place has layers of other images: mounted where the registry can, copied where it cannot. */
export async function bringLayers(
  layers: readonly WorkspaceLayer[],
  place: Place,
  registries: Registries,
  signal: AbortSignal | undefined,
): Promise<void> {
  const queue = layers.values();
  const work = async (signal: AbortSignal): Promise<void> => {
    for (const { descriptor, from } of queue) {
      const source = await openPlace(from, registries);
      await place.target.writeBlob(descriptor, () => source.target.readBlob(descriptor, { signal }), {
        signal,
        mountFrom: mountSource(source, place),
      });
    }
  };
  await together(signal, (signal) => Array.from({ length: parallel }, () => work(signal)));
}
