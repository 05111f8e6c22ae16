import fs from 'node:fs';
import path from 'node:path';
import { invalid } from '../../runtime/errors.ts';
import type { SourceText } from '../../runtime/resolve/checkout.ts';
import type { RepositoryEvent } from '../../runtime/resolve/event.ts';
import type { ResolvedRun } from '../../runtime/resolve/resolved.ts';
import type { Repository } from '../../runtime/resolve/sources.ts';
import { lockOf } from './fetching.ts';
import { namesOf, openRemote, type Place } from './place.ts';
import { resolveTexts } from './resolution.ts';
import type { Variables } from './variables.ts';
import type { Context } from './work.ts';

/**
 * What has changed in the resolved runs since a revision, as unified diffs; '' for nothing. Both sides have the same variables, event
 * and flags; each has its own files and its own lock.
 */
export async function compareWith(
  revision: string,
  context: Context,
  now: {
    place: Place;
    runs: readonly ResolvedRun[];
    event: RepositoryEvent | undefined;
    variables: Variables;
    token: string | undefined;
  },
): Promise<string> {
  const { log } = context;
  const { place } = now;
  await using before = await openBefore(revision, context, place, now.token);
  const resolved = await resolveTexts(context, place, {
    ...now,
    repository: before.repository,
    texts: before.texts,
    lock: () => lockOf(before.repository, context.signal),
    isBefore: true,
  });
  const { diffRuns } = await import('../../runtime/resolve/check/diff.ts');
  const after = place.remote === undefined ? 'now' : (context.params.revision ?? place.remote.revision.slice(0, 12));
  const diffs = await diffRuns(resolved, now.runs, { before: revision, after });
  const count = (kind: string) => diffs.filter(({ change }) => change === kind).length;
  log.info(
    `since ${before.repository.title}: ${count('changed')} changed, ${count('added')} added, ` +
      `${count('removed')} removed, ${count('same')} the same`,
  );
  return diffs.map(({ text }) => text).join('');
}

interface Before extends AsyncDisposable {
  repository: Repository;
  texts: SourceText[];
}

async function openBefore(
  revision: string,
  context: Context,
  place: Place,
  token: string | undefined,
): Promise<Before> {
  const { params, env, signal } = context;
  if (place.remote !== undefined) {
    const remote = await openRemote(context, place.remote.url, revision, token);
    return { ...remote, async [Symbol.asyncDispose]() {} };
  }
  const { workTreeOf } = await import('../../runtime/resolve/checkout.ts');
  if (workTreeOf(place.folder) === undefined) {
    throw invalid(`--diff compares with a revision of a git repository, but ${place.folder} is in none`);
  }
  const { openRevision } = await import('../../runtime/resolve/git-revision.ts');
  const root = fs.realpathSync(place.root);
  const folder = fs.realpathSync(place.folder);
  const repository = await openRevision(root, folder, revision, { env, signal });
  try {
    const texts: SourceText[] = [];
    for (const name of namesOf(params)) {
      const at = path.relative(root, path.resolve(folder, name)).split(path.sep).join('/');
      if (at === '..' || at.startsWith('../') || path.isAbsolute(at)) {
        throw invalid(`--diff compares files of the repository ${root}, but -f names ${name}, which is outside of it`);
      }
      texts.push(...(await repository.texts(at)));
    }
    return { repository, texts, [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose]() };
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
}
