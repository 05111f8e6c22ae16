import { SubpipeError } from '../errors.ts';
import { ask } from './ask.ts';
import { type Connection, discard } from './connection.ts';
import { isRecord, parseJson } from './manifest.ts';
import { isTag } from './name.ts';
import { nextPage } from './referrers.ts';
import type { Deletion, Options } from './target.ts';

/** A million tags: more is a circle of pages. */
const maximumPages = 1000;

/** All tags of a repository (distribution-spec v1.1, "Listing Tags"). None where there is no such repository. */
export async function listTags(connection: Connection, options: Options): Promise<string[]> {
  const tags = new Set<string>();
  let next: string | URL | undefined = 'tags/list?n=1000';
  for (let page = 0; next !== undefined; page++) {
    if (page === maximumPages) throw new SubpipeError('FAILED', `${connection.name} lists tags without end`);
    const response = await ask(connection, next, 'list the tags', options);
    if (response.status === 404) {
      await discard(response);
      break;
    }
    if (response.status !== 200) throw await connection.failure(response, 'list the tags');
    const value = parseJson(Buffer.from(await response.text()), connection.name);
    // Some registries say `null` when there is none.
    const list = isRecord(value) && Array.isArray(value.tags) ? value.tags : [];
    for (const tag of list) if (typeof tag === 'string' && isTag(tag)) tags.add(tag);
    next = nextPage(connection, response.headers.link, next);
  }
  return [...tags].sort();
}

/** Deletes a tag or a manifest (distribution-spec v1.1, "Content Management"). */
export async function deleteReference(
  connection: Connection,
  reference: string,
  { signal }: Options,
): Promise<Deletion> {
  const response = await connection.send(`manifests/${reference}`, 'pull,push,delete', { method: 'DELETE', signal });
  const deletion = deletionOf(response.status);
  if (deletion === undefined) throw await connection.failure(response, `delete ${reference}`);
  await discard(response);
  return deletion;
}

function deletionOf(status: number): Deletion | undefined {
  if (status === 404) return 'absent';
  // How registries say that they do not delete, or not by tag.
  if ([400, 405, 415, 501].includes(status)) return 'unsupported';
  return status >= 200 && status < 300 ? 'deleted' : undefined;
}
