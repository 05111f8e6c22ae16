import type { SourceText } from '../../runtime/resolve/checkout.ts';
import { type Document, readDocuments } from '../../runtime/resolve/document.ts';
import type { RepositoryEvent } from '../../runtime/resolve/event.ts';
import { resolveRuns } from '../../runtime/resolve/resolve.ts';
import type { ResolvedRun } from '../../runtime/resolve/resolved.ts';
import type { Lock } from '../../runtime/resolve/sources/lock.ts';
import type { Repository } from '../../runtime/resolve/sources.ts';
import type { Place } from './place.ts';
import type { Variables } from './variables.ts';
import type { Context } from './work.ts';

export interface ResolutionOptions {
  repository: Repository;
  texts: readonly SourceText[];
  event: RepositoryEvent | undefined;
  variables: Variables;
  token: string | undefined;
  lock: () => Promise<Lock | undefined>;
  /** The older side of a comparison: it may have no runs, and tells nothing of its selection. */
  isBefore?: boolean;
}

/** The runs of some texts, with all that the flags say. */
export async function resolveTexts(
  context: Context,
  place: Place,
  { repository, texts, event, variables, token, lock, isBefore = false }: ResolutionOptions,
): Promise<ResolvedRun[]> {
  const { params, log, signal } = context;
  const documents: Document[] = [];
  for (const { path: file, text } of texts) {
    documents.push(...(await readDocuments(text.includes('{{') ? await variables.put(text, file) : text, file)));
  }
  if (!isBefore) variables.warn();
  if (isBefore && !documents.some(({ kind }) => kind === 'PipelineRun')) return [];
  let wanted: ((run: Document) => boolean) | undefined;
  if (event !== undefined) {
    const { select } = await import('./selection.ts');
    wanted = await select(documents, event, context, { silent: isBefore });
  }
  const isFollowed = params.remoteTask || params.inlineAll;
  const sources = isFollowed
    ? (await import('./fetching.ts')).lazySources(context, place, { repository, variables, token, lock })
    : undefined;
  const runs = await resolveRuns(
    documents,
    {
      sources,
      skip: params.skip,
      generateName: !params.noGenerateName,
      inlineAll: params.inlineAll,
      signal,
    },
    wanted,
  );
  if (params.inlineAll && !isBefore) {
    const { leftovers } = await import('./leftovers.ts');
    for (const line of leftovers(runs)) log.warn(`${line}: only bundles, git, http, hub and cluster can be followed`);
  }
  return runs;
}
