import { hasCode, SubpipeError } from '../errors.ts';
import type { HttpResponse } from '../http.ts';
import { type Access, type Connection, discard } from './connection.ts';
import type { Options } from './target.ts';

/**
 * Asks for a manifest or for tags, which need not be there.
 *
 * Docker Hub, GHCR and Quay answer 401 or 403 for a repository that nobody has made yet, and say 404 only to who may push to it. So
 * who reads `asWriter` and is refused asks once more with the right to push. Their 404 is then believed; a repository that is
 * there, and not to be read, is refused both times. Quay makes the repository as soon as somebody asks for the right to push.
 *
 * @param path below `/v2/NAME/`, or a whole address of the registry.
 * @param doing what could not be done: `cannot DOING`.
 * @returns any answer; with `asWriter`, any but 401 and 403.
 * @throws SubpipeError `FORBIDDEN` where the token server refuses, and for both refusals of `asWriter`, with what to do.
 */
export async function ask(
  connection: Connection,
  path: string | URL,
  doing: string,
  { signal, asWriter, headers = {} }: Options & { headers?: Record<string, string> },
): Promise<HttpResponse> {
  const as = (access: Access) => connection.send(path, access, { headers, signal });
  if (asWriter !== true) return as('pull');
  try {
    return await granted(connection, await as('pull'), doing);
  } catch (refused) {
    if (!(refused instanceof SubpipeError) || refused.code !== 'FORBIDDEN') throw refused;
    const second = await as('pull,push').catch((error: unknown) => {
      if (hasCode(error, 'FORBIDDEN')) return undefined;
      throw error;
    });
    if (second !== undefined && !isRefusal(second)) return second;
    if (second !== undefined) await discard(second);
    const { registry, repository } = connection;
    const { message, status, cause, hint = `Check the credentials for ${registry}.` } = refused;
    throw new SubpipeError('FORBIDDEN', message, {
      cause,
      ...(status === undefined ? {} : { status }),
      hint: `${hint} Where there is no repository ${repository} yet, only who may push to it is told so: give credentials that may, or make it first.`,
    });
  }
}

async function granted(connection: Connection, response: HttpResponse, doing: string): Promise<HttpResponse> {
  if (isRefusal(response)) throw await connection.failure(response, doing);
  return response;
}

function isRefusal({ status }: HttpResponse): boolean {
  return status === 401 || status === 403;
}
