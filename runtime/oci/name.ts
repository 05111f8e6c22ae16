import { invalid } from '../errors.ts';
import { isDigest } from './digest.ts';

/** A repository of a registry, and what is meant in it. With neither tag nor digest it is the repository itself. */
export interface ImageName {
  /** Host and port, `ghcr.io` or `localhost:5000`. */
  registry: string;
  /** Path in the registry, `library/debian`. */
  repository: string;
  tag?: string;
  /** `sha256:…`. Where both are given, the digest decides and the tag is for people. */
  digest?: string;
}

/** Where an image is: in a registry, or in an OCI layout folder (`oci:FOLDER[:tag]`). */
export type Location =
  | ({ kind: 'registry' } & ImageName)
  | { kind: 'layout'; folder: string; tag?: string; digest?: string };

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const hostPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;

/**
 * Parses `[HOST/]PATH[:TAG][@DIGEST]` (OCI distribution-spec v1.1, "Pulling manifests"). A name without a host is
 * one of docker.io, as container engines read it; `docker.io/debian` is `docker.io/library/debian`.
 *
 * @throws SubpipeError `INVALID` with the part that is wrong.
 */
export function parseName(text: string): ImageName {
  const [beforeDigest, digest, ...more] = text.split('@');
  if (beforeDigest === undefined || beforeDigest === '' || more.length > 0) throw bad(text, 'HOST/PATH:TAG@DIGEST');
  if (digest !== undefined && !isDigest(digest)) throw bad(text, 'a digest like sha256: and 64 hex digits after "@"');
  const colon = beforeDigest.lastIndexOf(':');
  const tagged = colon > beforeDigest.lastIndexOf('/');
  const path = tagged ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = tagged ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined) checkTag(tag, text);
  return {
    ...splitHost(path, text),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** {@link parseName}, and also `oci:FOLDER`, `oci:FOLDER:TAG` and `oci:FOLDER@sha256:…`. */
export function parseLocation(text: string): Location {
  if (!text.startsWith('oci:')) return { kind: 'registry', ...parseName(text) };
  const [path = '', digest] = splitOnce(text.slice('oci:'.length), /@(?=sha256:)/);
  if (digest !== undefined && !isDigest(digest)) throw bad(text, 'a digest like sha256: and 64 hex digits after "@"');
  const colon = path.lastIndexOf(':');
  const tagged = colon > path.lastIndexOf('/') && colon > 0;
  const folder = tagged ? path.slice(0, colon) : path;
  const tag = tagged ? path.slice(colon + 1) : undefined;
  if (folder === '' || folder.includes('\0')) throw bad(text, 'a folder after "oci:"');
  if (tag !== undefined) checkTag(tag, text);
  return {
    kind: 'layout',
    folder,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The name as text, as {@link parseName} reads it. */
export function formatName(name: ImageName): string {
  const tag = name.tag === undefined ? '' : `:${name.tag}`;
  const digest = name.digest === undefined ? '' : `@${name.digest}`;
  return `${name.registry}/${name.repository}${tag}${digest}`;
}

/** What to ask a target for: the digest if there is one, else the tag, else `latest`. */
export function referenceOf(name: { tag?: string; digest?: string }): string {
  return name.digest ?? name.tag ?? 'latest';
}

/** Whether `tag` fits the distribution-spec's grammar. */
export function isTag(tag: string): boolean {
  return tagPattern.test(tag);
}

function splitHost(path: string, text: string): { registry: string; repository: string } {
  const slash = path.indexOf('/');
  const first = slash === -1 ? '' : path.slice(0, slash);
  const hasHost = first === 'localhost' || /[.:[]/.test(first) || first !== first.toLowerCase();
  const registry = hasHost ? normalHost(first) : 'docker.io';
  let repository = hasHost ? path.slice(slash + 1) : path;
  if (!hostPattern.test(registry)) throw bad(text, 'a registry host before the first "/"');
  if (registry === 'docker.io' && !repository.includes('/')) repository = `library/${repository}`;
  const ok = repository.length <= 255 && repository.split('/').every((part) => component.test(part));
  if (!ok) throw bad(text, 'a path of lowercase letters, digits and single separators (. _ -) after the host');
  return { registry, repository };
}

function normalHost(host: string): string {
  const lower = host.toLowerCase();
  return lower === 'index.docker.io' ? 'docker.io' : lower;
}

function checkTag(tag: string, text: string): void {
  if (!isTag(tag)) throw bad(text, 'a tag of at most 128 letters, digits, ".", "_" and "-" after ":"');
}

function splitOnce(text: string, at: RegExp): [string, string | undefined] {
  const index = text.search(at);
  return index === -1 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function bad(text: string, expected: string) {
  return invalid(`"${text}" is not an image name: expected ${expected}`);
}
