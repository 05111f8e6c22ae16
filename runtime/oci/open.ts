import type { RegistryOptions } from './connection.ts';
import { Layout } from './layout.ts';
import { type Location, parseLocation, referenceOf } from './name.ts';
import { Registry } from './registry.ts';
import type { Target } from './target.ts';

/** The target that `HOST/PATH[:TAG][@DIGEST]` or `oci:FOLDER[:TAG]` is in, and the reference to ask it for. */
export async function openTarget(
  text: string,
  options: RegistryOptions = {},
): Promise<{ target: Target; reference: string }> {
  const location: Location = parseLocation(text);
  switch (location.kind) {
    case 'registry':
      return { target: await Registry.open(location, options), reference: referenceOf(location) };
    case 'layout':
      return { target: await Layout.open(location.folder), reference: referenceOf(location) };
    default:
      return location satisfies never;
  }
}
