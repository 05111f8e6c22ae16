import { hasCode, SubpipeError } from '../errors.ts';
import { linesOf } from '../lines.ts';
import { backoff, defaultRetry, pause } from '../retry.ts';
import { isFields } from '../shape.ts';
import type { KubeClient, ListOptions } from './client.ts';
import { type KubeObject, pathOf, type Resource } from './resource.ts';
import { errorOfStatus } from './status.ts';

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

export interface WatchOptions<T extends KubeObject = KubeObject> extends ListOptions {
  /** Events after this version. Unset: the present state first, as ADDED events (version 0, "get state and start at any"). */
  resourceVersion?: string | undefined;
  /** Objects that were there at `resourceVersion`: DELETED comes also where they went while no watch was open. */
  known?: readonly T[];
  /** `false`: DELETED does not come at all, and no object is kept to tell it, which for thousands of them is memory saved. Default true. */
  deletions?: boolean;
  signal?: AbortSignal | undefined;
  /** Ms without an event or bookmark after which a watch counts as dead, default 150,000: bookmarks come every minute. */
  silenceMs?: number;
  /** Called when the server has taken a watch: each time, also when a new one goes on from the last. */
  onOpen?: () => void;
  /** Length of one watch request in s, default about 600: the server ends it, and the next goes on from there. */
  lengthSeconds?: number;
}

/**
 * Follows objects without polling (Kubernetes API concepts, "Efficient detection of changes"): one request for every
 * ten minutes, bookmarks, a new watch from the last version when one is cut or silent, a new list on 410 Gone.
 * Connection errors, 429 and 5xx are retried until `signal` aborts; then the iteration ends quietly.
 *
 * @throws SubpipeError `FORBIDDEN` and others that no retry heals.
 */
export async function* watch<T extends KubeObject>(
  kube: KubeClient,
  resource: Resource,
  namespace: string,
  options: WatchOptions<T>,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { signal, fieldSelector, labelSelector } = options;
  const selector: ListOptions = {
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  };
  const { deletions = true } = options;
  const known = new Map((options.known ?? []).map((object) => [object.metadata.name, object]));
  let version = options.resourceVersion ?? '0';
  let gone = false;
  let refusals = 0;
  let worked = false;
  for (let failures = 0; signal?.aborted !== true; ) {
    const began = Date.now();
    let events = 0;
    try {
      if (gone) {
        const list = await kube.list<T>(resource, namespace, selector, signal);
        yield* differences(known, list.items);
        version = list.metadata.resourceVersion;
        gone = false;
      }
      for await (const raw of oneWatch(kube, resource, namespace, selector, version, options)) {
        if (raw.type === 'ERROR') {
          // A server on an old etcd cannot begin with the present state: then a list does.
          if (codeOf(raw.object) !== 410 && version !== '0') throw statusError(raw.object, resource, namespace);
          gone = true;
          break;
        }
        events++;
        failures = 0;
        refusals = 0;
        worked = true;
        const object = raw.object as T;
        version = object.metadata.resourceVersion ?? version;
        if (raw.type === 'BOOKMARK') continue;
        const key = object.metadata.name;
        if (raw.type === 'DELETED') known.delete(key);
        else if (deletions) known.set(key, object);
        if (raw.type === 'DELETED' && !deletions) continue;
        yield { type: raw.type, object };
      }
      // One that ends as soon as it has begun, again and again, would be polling.
      if (events === 0 && Date.now() - began < 1000) failures++;
      else worked = true;
    } catch (error) {
      if (signal?.aborted) return;
      if (isGone(error)) gone = true;
      // An API server that has just been started refuses for some seconds what it will allow.
      else if (hasCode(error, 'FORBIDDEN') && worked && ++refusals <= mostRefusals) failures++;
      else if (error instanceof SubpipeError && !hasCode(error, 'UNAVAILABLE')) throw error;
      else failures++;
    }
    if (failures > 0) await pause(backoff(defaultRetry, Math.min(failures, 8)), signal).catch(() => undefined);
  }
}

/** About 15 s of refusals count as a server that starts, more as rights that were taken away. */
const mostRefusals = 9;

type RawEvent =
  | { type: WatchEvent<unknown>['type'] | 'BOOKMARK'; object: KubeObject }
  | { type: 'ERROR'; object: unknown };

async function* oneWatch(
  kube: KubeClient,
  resource: Resource,
  namespace: string,
  selector: ListOptions,
  version: string,
  options: WatchOptions,
): AsyncGenerator<RawEvent, void, undefined> {
  // Not all watches of a busy cluster should end in the same second.
  const length = options.lengthSeconds ?? 570 + Math.floor(Math.random() * 60);
  const query = new URLSearchParams({
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(length),
    resourceVersion: version,
    ...selector,
  });
  const name = `${resource.plural}${resource.group === '' ? '' : `.${resource.group}`}`;
  const { body } = await kube.open(
    { verb: 'watch', resource: name, namespace },
    `${pathOf(resource, namespace)}?${query}`,
    {
      signal: options.signal,
      idleMs: options.silenceMs ?? 150_000,
    },
  );
  options.onOpen?.();
  try {
    for await (const line of linesOf(body)) {
      if (line.trim() === '') continue;
      yield parseEvent(line);
    }
  } finally {
    body.destroy();
  }
}

function parseEvent(line: string): RawEvent {
  const event: unknown = JSON.parse(line);
  if (!isFields(event) || typeof event.type !== 'string') throw new Error(`not a watch event: ${line.slice(0, 100)}`);
  return event as RawEvent;
}

/** What a fresh list says against what was known: gone objects are reported too. */
function* differences<T extends KubeObject>(known: Map<string, T>, items: T[]): Generator<WatchEvent<T>> {
  const names = new Set(items.map(({ metadata }) => metadata.name));
  for (const [name, object] of known) {
    if (!names.has(name)) {
      known.delete(name);
      yield { type: 'DELETED', object };
    }
  }
  for (const object of items) {
    const type = known.has(object.metadata.name) ? 'MODIFIED' : 'ADDED';
    known.set(object.metadata.name, object);
    yield { type, object };
  }
}

function codeOf(status: unknown): number | undefined {
  return isFields(status) && typeof status.code === 'number' ? status.code : undefined;
}

function statusError(status: unknown, resource: Resource, namespace: string): SubpipeError {
  return errorOfStatus(codeOf(status) ?? 500, JSON.stringify(status), {
    verb: 'watch',
    resource: resource.plural,
    namespace,
  });
}

/** 410 as the response's own status; it comes as an event where the watch had begun. */
function isGone(error: unknown): boolean {
  return error instanceof SubpipeError && error.status === 410;
}
