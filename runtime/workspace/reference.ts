import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { hasCode, invalid, SubpipeError } from '../errors.ts';
import type { RegistryOptions } from '../oci/connection.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { Layout } from '../oci/layout.ts';
import { formatName, type Location, parseLocation, parseName } from '../oci/name.ts';
import { Registry } from '../oci/registry.ts';
import type { Target } from '../oci/target.ts';

/** Which registries are asked how. */
export type Registries = Omit<RegistryOptions, 'plainHttp'>;

/** What a reference says: a repository or a layout folder, and what is meant in it. */
export interface Named {
  /** As {@link openPlace} reads it: `ghcr.io/a/b` or `oci:FOLDER`. */
  name: string;
  tag: string | undefined;
  digest: Digest | undefined;
}

/** A place where images are, open. */
export interface Place extends Named {
  target: Target;
}

/**
 * Reads a reference to an image: `[HOST/]PATH[:TAG][@DIGEST]`, `oci:FOLDER[:TAG][@DIGEST]` for a layout folder, and
 * `oci:HOST/PATH@DIGEST` as trusted artifacts of Konflux are written. What follows `oci:` is a folder where one is there.
 *
 * @throws SubpipeError `INVALID` with the part that is wrong.
 */
export function readReference(text: string): Location {
  const variable = /\$\([^)]*\)/.exec(text)?.[0];
  if (variable !== undefined) {
    throw invalid(`"${text}" is no image: Tekton has not replaced ${variable}`, {
      hint: "In a step's params it replaces no results of Tasks: hand them on as params of the Task.",
    });
  }
  const location = parseLocation(text);
  if (location.kind === 'registry' || location.digest === undefined || isFolder(location.folder)) return location;
  const rest = text.slice('oci:'.length);
  if (!/^[^/]*[.:][^/]*\/|^localhost\//.test(rest) || rest.startsWith('.')) return location;
  return { kind: 'registry', ...parseName(rest) };
}

/** The names in a reference. @throws SubpipeError `INVALID` with the part that is wrong. */
export function namesIn(text: string): Named {
  const location = readReference(text);
  const { tag, digest } = location;
  if (digest !== undefined && !isDigest(digest)) throw new Error('unreachable: a reference has a digest or none');
  if (location.kind === 'layout') return { name: `oci:${resolve(location.folder)}`, tag, digest };
  const { registry, repository } = location;
  return { name: formatName({ registry, repository }), tag, digest };
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
  const named = namesIn(text);
  switch (location.kind) {
    case 'registry':
      return { ...named, target: await Registry.open(location, registries) };
    case 'layout': {
      const folder = resolve(location.folder);
      if (options.create === true) return { ...named, target: await Layout.create(folder) };
      if (isFolder(folder)) return { ...named, target: await Layout.open(folder) };
      throw new SubpipeError('NOT_FOUND', `${text}: there is no folder ${folder}`);
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
