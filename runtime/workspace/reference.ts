import { statSync } from 'node:fs';
import { hasCode, SubpipeError } from '../errors.ts';
import type { RegistryOptions } from '../oci/connection.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { Layout } from '../oci/layout.ts';
import { formatName, type Location, parseLocation, parseName } from '../oci/name.ts';
import { Registry } from '../oci/registry.ts';
import type { Target } from '../oci/target.ts';

/** Which registries are asked how. */
export interface Registries extends Omit<RegistryOptions, 'plainHttp'> {
  /** Hosts, with their ports, that speak HTTP without TLS; `true` is all of them. Default: only loopback addresses. */
  insecure?: readonly string[] | undefined;
}

/** A place where images are: a repository or a layout folder, open, with what a reference says beside it. */
export interface Place {
  target: Target;
  /** As {@link openPlace} reads it: `ghcr.io/a/b` or `oci:FOLDER`. */
  name: string;
  tag: string | undefined;
  digest: Digest | undefined;
}

/**
 * Reads a reference to an image: `[HOST/]PATH[:TAG][@DIGEST]`, `oci:FOLDER[:TAG][@DIGEST]` for a layout folder, and
 * `oci:HOST/PATH@DIGEST` as trusted artifacts of Konflux are written. What follows `oci:` is a folder where one is there.
 *
 * @throws SubpipeError `INVALID` with the part that is wrong.
 */
export function readReference(text: string): Location {
  const location = parseLocation(text);
  if (location.kind === 'registry' || location.digest === undefined || isFolder(location.folder)) return location;
  const rest = text.slice('oci:'.length);
  if (!/^[^/]*[.:][^/]*\/|^localhost\//.test(rest) || rest.startsWith('.')) return location;
  return { kind: 'registry', ...parseName(rest) };
}

/**
 * Opens what a reference points into.
 *
 * @param options.create whether a layout folder is made where there is none.
 * @throws SubpipeError `INVALID` for a reference that is none, `NOT_FOUND` for a layout folder that is not there.
 */
export async function openPlace(
  text: string,
  registries: Registries,
  options: { create?: boolean } = {},
): Promise<Place> {
  const location = readReference(text);
  const { tag, digest } = location;
  if (digest !== undefined && !isDigest(digest)) throw new Error('unreachable: a reference has a digest or none');
  switch (location.kind) {
    case 'registry': {
      const { insecure, ...rest } = registries;
      const plain = insecure?.some((host) => host === location.registry || host === 'true') === true;
      const target = await Registry.open(location, { ...rest, ...(plain ? { plainHttp: true } : {}) });
      const { registry, repository } = location;
      return { target, name: formatName({ registry, repository }), tag, digest };
    }
    case 'layout': {
      const { folder } = location;
      if (options.create !== true && !isFolder(folder)) {
        throw new SubpipeError('NOT_FOUND', `${text}: there is no folder ${folder}`);
      }
      const target = options.create === true ? await Layout.create(folder) : await Layout.open(folder);
      return { target, name: `oci:${folder}`, tag, digest };
    }
    default:
      return location satisfies never;
  }
}

/** `ghcr.io/a/b@sha256:…` or `oci:FOLDER@sha256:…`: what goes from Task to Task. */
export function byDigest(place: { name: string }, digest: Digest): string {
  return `${place.name}@${digest}`;
}

/** The repository of a registry's place, where `other` is in the same registry: a blob can be mounted from there. */
export function mountSource(from: Place, other: Place): string | undefined {
  if (from.name.startsWith('oci:') || other.name.startsWith('oci:') || from.name === other.name) return undefined;
  const [one, two] = [parseName(from.name), parseName(other.name)];
  return one.registry === two.registry ? one.repository : undefined;
}

/** Whether a question was answered with: there is no such thing. */
export function isAbsent(error: unknown): boolean {
  return hasCode(error, 'NOT_FOUND');
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
