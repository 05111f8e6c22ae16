import { invalid } from '../../runtime/errors.ts';
import { annotationsOf, prefix } from '../../runtime/resolve/annotations.ts';
import { readNamed } from '../../runtime/resolve/checkout.ts';
import type { Document } from '../../runtime/resolve/document.ts';
import type { RepositoryEvent } from '../../runtime/resolve/event.ts';
import type { Place } from './place.ts';
import type { Context } from './work.ts';

/** The event that flags and files tell, if they tell any. */
export async function eventOf({ params, signal }: Context, place: Place): Promise<RepositoryEvent | undefined> {
  if (params.event === undefined && params.payload === undefined && params.comment === undefined) return undefined;
  const [{ loadEvent }, { parseHeaders }] = await Promise.all([
    import('../../runtime/resolve/event/load.ts'),
    import('../../runtime/resolve/event/headers.ts'),
  ]);
  const { folder } = place;
  const [payload] = params.payload === undefined ? [] : readNamed([params.payload], folder);
  const [headers] = params.headers === undefined ? [] : readNamed([params.headers], folder);
  return loadEvent(
    {
      flags: {
        event: params.event,
        targetBranch: params.targetBranch,
        tag: params.tag,
        targetRun: params.targetRun,
        sourceBranch: params.sourceBranch,
        changedFiles: params.changedFiles.length === 0 ? undefined : params.changedFiles,
        labels: params.labels.length === 0 ? undefined : params.labels,
        comment: params.comment,
        sender: params.sender,
        pullRequestNumber: params.pullRequest,
      },
      payload:
        payload === undefined
          ? undefined
          : {
              text: payload.text,
              where: payload.path,
              headers: headers === undefined ? {} : parseHeaders(headers.text, headers.path),
            },
      // The work tree that one stands in says nothing of a repository elsewhere.
      folder: place.remote === undefined ? folder : undefined,
    },
    signal,
  );
}

/** Which PipelineRuns an event starts. */
export async function select(
  documents: readonly Document[],
  event: RepositoryEvent,
  { params, log, stdout }: Context,
  { silent }: { silent: boolean },
): Promise<(run: Document) => boolean> {
  const { select: judge, selected } = await import('../../runtime/resolve/event/select.ts');
  const candidates = documents
    .filter(({ kind }) => kind === 'PipelineRun')
    .map((run) => ({ run, name: run.name, annotations: annotationsOf(run) as Record<string, string> }));
  const selection = await judge(
    candidates,
    event,
    params.namespace === undefined ? {} : { namespace: params.namespace },
  );
  if (params.explain && !silent) {
    const { explainVerdicts } = await import('../../runtime/resolve/event/verdict.ts');
    const text = explainVerdicts(selection.verdicts);
    if (params.output === undefined && params.diff === undefined && !params.create)
      stdout(text.replace(/^/gm, '# ').replace(/# $/, ''));
    else log.info(text);
  }
  for (const { run, invalid: why, reasons } of selection.verdicts) {
    const document = candidates.find((one) => one === run)?.run;
    const key = reasons.find(({ outcome }) => outcome === 'invalid')?.annotation;
    if (why === undefined || document === undefined || key === undefined) continue;
    const line = document.lineOf(['metadata', 'annotations', `${prefix}${key}`]);
    throw invalid(
      `${document.file}, line ${line}: the annotation ${key} of the PipelineRun ${run.name} cannot be read`,
      {
        cause: new Error(why),
      },
    );
  }
  const chosen = selected(selection);
  const runs = new Set(candidates.filter((one) => chosen.includes(one)).map(({ run }) => run));
  if (runs.size === 0 && !silent) log.warn('the event starts no PipelineRun');
  return (run) => runs.has(run);
}
