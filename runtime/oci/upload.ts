import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode, SubpipeError } from '../errors.ts';
import { backoff, defaultRetry, pause } from '../retry.ts';
import { type Connection, discard } from './connection.ts';
import { Verifier } from './digest.ts';
import type { Descriptor } from './manifest.ts';
import type { Arrival, WriteOptions } from './target.ts';

/**
 * Uploads a blob: mounted from another repository where that works, else POST and one PUT with all of it
 * (distribution-spec v1.1, "POST then PUT" and "Mounting a blob from another repository").
 * A PUT that failed starts over with a new POST, because a registry may have dropped the session.
 */
export async function upload(
  connection: Connection,
  blob: Descriptor,
  open: () => Readable | Promise<Readable>,
  options: WriteOptions,
): Promise<Arrival> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryUpload(connection, blob, open, options);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (attempt >= 4 || !hasCode(error, 'UNAVAILABLE')) throw error;
    }
    await pause(backoff(defaultRetry, attempt), options.signal);
  }
}

async function tryUpload(
  connection: Connection,
  blob: Descriptor,
  open: () => Readable | Promise<Readable>,
  options: WriteOptions,
): Promise<Arrival> {
  const location = await start(connection, blob, options);
  if (location === 'mounted') return 'mounted';
  location.searchParams.set('digest', blob.digest);
  const stream = verified(await open(), blob);
  try {
    const response = await connection.send(location, 'pull,push', {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
      // The stream can be read once; a retry comes with a new session and a new stream.
      body: () => stream,
      retry: false,
      signal: options.signal,
    });
    if (response.status !== 201 && response.status !== 204) {
      throw await connection.failure(response, `upload ${blob.digest}`);
    }
    await discard(response);
    return 'sent';
  } catch (error) {
    // When the source was bad, say that and not that the connection broke.
    throw stream.errored instanceof SubpipeError ? stream.errored : error;
  } finally {
    stream.destroy();
  }
}

/** More bytes than announced would be read as the next request of the connection, so no source is trusted. */
function verified(source: Readable, blob: Descriptor): Readable {
  if (source instanceof Verifier) return source;
  const verifier = new Verifier(blob, 'its source');
  // The pipeline's own promise tells nothing that the reader of `verifier` is not told.
  pipeline(source, verifier).catch(() => {});
  return verifier;
}

async function start(connection: Connection, blob: Descriptor, options: WriteOptions): Promise<URL | 'mounted'> {
  const { mountFrom, signal } = options;
  const query = mountFrom === undefined ? '' : `?${new URLSearchParams({ mount: blob.digest, from: mountFrom })}`;
  const headers = { 'content-length': '0' };
  let response = await connection.send(`blobs/uploads/${query}`, 'pull,push', {
    method: 'POST',
    headers,
    mountFrom,
    signal,
  });
  if (mountFrom !== undefined && [201, 400, 401, 403, 404, 405].includes(response.status)) {
    await discard(response);
    if (response.status === 201) return 'mounted';
    // Not allowed to mount is no reason not to upload.
    response = await connection.send('blobs/uploads/', 'pull,push', { method: 'POST', headers, signal });
  }
  if (response.status !== 202) throw await connection.failure(response, `start the upload of ${blob.digest}`);
  await discard(response);
  const location = response.headers.location;
  if (location === undefined)
    throw new SubpipeError('FAILED', `${connection.name} started an upload without a Location`);
  return connection.resolve(location);
}
