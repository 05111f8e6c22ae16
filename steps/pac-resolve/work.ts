import fs from 'node:fs';
import path from 'node:path';
import { invalid, SubpipeError } from '../../runtime/errors.ts';
import type { ValuesOf } from '../../runtime/params.ts';
import { addSecret } from '../../runtime/redact.ts';
import { annotationsOf } from '../../runtime/resolve/annotations.ts';
import { openCheckout, readNamed, type SourceText, workTreeOf } from '../../runtime/resolve/checkout.ts';
import { type Document, readDocuments } from '../../runtime/resolve/document.ts';
import type { RepositoryEvent } from '../../runtime/resolve/event.ts';
import { formatDocument, formatRuns } from '../../runtime/resolve/output.ts';
import { resolveRuns } from '../../runtime/resolve/resolve.ts';
import type { ResolvedRun } from '../../runtime/resolve/resolved.ts';
import type { Repository, Sources } from '../../runtime/resolve/sources.ts';
import type { StepContext } from '../../runtime/step.ts';
import type { PacResolveParams, PacResolveResults } from './step.ts';
import { givenParams, Variables } from './variables.ts';

export type Context = StepContext<PacResolveParams, PacResolveResults>;
export type Given = ValuesOf<PacResolveParams>;

/** The work of the step, from flags to the result. Modules that a small local case does without are loaded when they are needed. */
export async function resolveStep(context: Context): Promise<void> {
  const { params, env, stdout, signal, report } = context;
  const token = params.providerToken ?? (env.PAC_PROVIDER_TOKEN || undefined);
  if (token !== undefined) addSecret(token);
  const given = givenParams(params.params);
  const place = await open(context, token);
  const event = await eventOf(context, place.folder);
  const variables = new Variables(context, { given, event, folder: place.folder, token });

  const secret = await variables.authSecret(place.texts);
  const documents = await documentsOf(place.texts, variables);
  const wanted = event === undefined ? undefined : await select(documents, event, context);
  const sources = params.remoteTask || params.inlineAll ? lazySources(context, place, variables, token) : undefined;
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
  if (params.lock) await lock(place.root, runs);
  if (params.validate) await check(runs);

  const text = (secret === undefined ? '' : formatDocument(secret)) + formatRuns(runs, { v1beta1: params.v1beta1 });
  if (params.output !== undefined) {
    fs.mkdirSync(path.dirname(path.resolve(place.folder, params.output)), { recursive: true });
    fs.writeFileSync(path.resolve(place.folder, params.output), text, { mode: 0o600 });
    stdout(`PipelineRun has been written to ${params.output}\n`);
  } else if (!params.create) stdout(text);
  if (params.create) {
    const { createRuns } = await import('./create.ts');
    await report({ runs: await createRuns(context, runs) });
  }
}

interface Place {
  /** The root of the repository on disk; the working directory where there is none. */
  root: string;
  /** What relative files are relative to. */
  folder: string;
  repository: Repository;
  texts: SourceText[];
  /** Where a repository is read without a checkout. */
  url: string | undefined;
}

async function open({ params, env, log, signal }: Context, token: string | undefined): Promise<Place> {
  const folder = path.resolve(params.source ?? '.');
  if (params.repository !== undefined) {
    const { openForgeRepository } = await import('../../runtime/resolve/sources/repository.ts');
    const repository = await openForgeRepository({
      url: params.repository,
      revision: params.revision,
      token,
      cacheFolder: params.cache,
      offline: params.offline,
      allowPrivateAddresses: privateAllowed(params, env),
      signal,
      log,
    });
    const folders = params.filename.length === 0 ? ['.tekton'] : params.filename;
    const texts = (await Promise.all(folders.map((one) => repository.files(one, signal)))).flat();
    return { root: folder, folder, repository, texts, url: params.repository };
  }
  const names = params.filename.length === 0 && params.source !== undefined ? ['.tekton'] : params.filename;
  if (names.length === 0) throw invalid('you need to at least specify a file with -f');
  const texts = readNamed(names, folder);
  const root = workTreeOf(folder) ?? folder;
  return { root, folder, repository: openCheckout(root, folder), texts, url: undefined };
}

/** A person may ask what a person reaches; a pod only where its param says so. */
function privateAllowed({ allowPrivateAddresses }: Given, env: NodeJS.ProcessEnv): boolean {
  if (allowPrivateAddresses !== undefined) return allowPrivateAddresses === 'true';
  return (env.KUBERNETES_SERVICE_HOST ?? '') === '';
}

async function eventOf({ params, signal }: Context, folder: string): Promise<RepositoryEvent | undefined> {
  if (params.event === undefined && params.payload === undefined && params.comment === undefined) return undefined;
  const [{ loadEvent }, { parseHeaders }] = await Promise.all([
    import('../../runtime/resolve/event/load.ts'),
    import('../../runtime/resolve/event/headers.ts'),
  ]);
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
      folder,
    },
    signal,
  );
}

async function documentsOf(texts: readonly SourceText[], variables: Variables): Promise<Document[]> {
  const documents: Document[] = [];
  for (const { path: file, text } of texts) {
    documents.push(...(await readDocuments(text.includes('{{') ? await variables.put(text, file) : text, file)));
  }
  variables.warn();
  return documents;
}

async function select(
  documents: readonly Document[],
  event: RepositoryEvent,
  { params, log, stdout }: Context,
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
  if (params.explain) {
    const { explainVerdicts } = await import('../../runtime/resolve/event/verdict.ts');
    const text = explainVerdicts(selection.verdicts);
    if (params.output === undefined && !params.create) stdout(text.replace(/^/gm, '# ').replace(/# $/, ''));
    else log.info(text);
  }
  const chosen = selected(selection);
  const runs = new Set(candidates.filter((one) => chosen.includes(one)).map(({ run }) => run));
  if (runs.size === 0) log.warn('the event starts no PipelineRun');
  return (run) => runs.has(run);
}

/** Opened with the first fetch: most repositories need none. */
function lazySources(context: Context, place: Place, variables: Variables, token: string | undefined): Sources {
  const { params, env, kube, log, signal } = context;
  let opened: Promise<Sources> | undefined;
  const open = async (): Promise<Sources> => {
    const [{ openSources }, { parseCatalog }, { readLock }] = await Promise.all([
      import('../../runtime/resolve/sources/open.ts'),
      import('../../runtime/resolve/sources/catalog.ts'),
      import('../../runtime/resolve/sources/lock.ts'),
    ]);
    return openSources({
      repository: place.repository,
      repoUrl: place.url ?? (await variables.repoUrl()),
      token,
      catalogs: catalogWords(params.catalogs).map(parseCatalog),
      cacheFolder: params.cache,
      offline: params.offline,
      lock: params.lock ? undefined : await readLock(place.root),
      allowPrivateAddresses: privateAllowed(params, env),
      kube,
      env,
      signal,
      log,
    });
  };
  return {
    async fetch(reference, wanted, caller) {
      opened ??= open();
      return (await opened).fetch(reference, wanted, caller);
    },
  };
}

/** `type=` and `id=` belong to the catalogue before them. */
function catalogWords(words: readonly string[]): string[] {
  const catalogs: string[] = [];
  for (const word of words) {
    const last = catalogs.pop();
    if (last === undefined) catalogs.push(word);
    else if (/^(type|id)=/.test(word)) catalogs.push(`${last},${word}`);
    else catalogs.push(last, word);
  }
  return catalogs;
}

async function lock(root: string, runs: readonly ResolvedRun[]): Promise<void> {
  const { writeLock } = await import('../../runtime/resolve/sources/lock.ts');
  const local = (from: string) => !/^[a-z+]+:/i.test(from);
  await writeLock(
    root,
    runs.flatMap(({ fetched }) => fetched.filter(({ from }) => !local(from))),
  );
}

async function check(runs: readonly ResolvedRun[]): Promise<void> {
  const { validate } = await import('../../runtime/resolve/check/validate.ts');
  const findings = (await Promise.all(runs.map(validate))).flat();
  if (findings.length === 0) return;
  const lines = findings.map(({ severity, where, message }) => `${where}: ${severity}: ${message}`);
  const text = [...new Set(lines)].join('\n');
  if (findings.some(({ severity }) => severity === 'error'))
    throw new SubpipeError('FAILED', `the result is not valid:\n${text}`);
  process.stderr.write(`${text}\n`);
}
