import fs from 'node:fs';
import path from 'node:path';
import { invalid } from '../../runtime/errors.ts';
import type { ValuesOf } from '../../runtime/params.ts';
import { addSecret } from '../../runtime/redact.ts';
import { formatDocument, formatRuns } from '../../runtime/resolve/output.ts';
import type { StepContext } from '../../runtime/step.ts';
import { openPlace, type Place } from './place.ts';
import { resolveTexts } from './resolution.ts';
import type { PacResolveParams, PacResolveResults } from './step.ts';
import { givenParams, Variables } from './variables.ts';

export type Context = StepContext<PacResolveParams, PacResolveResults>;
export type Given = ValuesOf<PacResolveParams>;

/** The work of the step, from flags to the result. Modules that a small local case does without are loaded when they are needed. */
export async function resolveStep(context: Context): Promise<void> {
  const { params, env, signal, report, log } = context;
  checkTogether(params);
  const token = params.providerToken ?? (env.PAC_PROVIDER_TOKEN || undefined);
  if (token !== undefined) addSecret(token);
  const given = givenParams(params.params);
  const place = await openPlace(context, token);
  const isEvent = params.event !== undefined || params.payload !== undefined || params.comment !== undefined;
  const event = isEvent ? await (await import('./selection.ts')).eventOf(context, place) : undefined;
  const variables = new Variables(context, { given, event, place, token });
  const secret = params.diff === undefined ? await variables.authSecret(place.texts) : undefined;

  const side = { event, variables, token };
  const runs = await resolveTexts(context, place, {
    ...side,
    repository: place.repository,
    texts: place.texts,
    lock: async () => (params.lock ? undefined : (await import('./fetching.ts')).lockOf(place.repository, signal)),
  });
  if (params.lock) await (await import('./fetching.ts')).writeLockOf(place.root, runs);
  if (params.validate) await (await import('./checks.ts')).checkRuns(runs, log);
  else if (params.create) await (await import('./checks.ts')).checkSizes(runs, log);

  if (params.diff !== undefined) {
    const { compareWith } = await import('./compare.ts');
    write(await compareWith(params.diff, context, { ...side, place, runs }), 'The difference', context, place);
    return;
  }
  const text = (secret === undefined ? '' : formatDocument(secret)) + formatRuns(runs, { v1beta1: params.v1beta1 });
  if (params.output !== undefined || !params.create) write(text, 'PipelineRun', context, place);
  if (params.create) {
    const { createRuns } = await import('./create.ts');
    const created = await createRuns(context, runs);
    await report({ runs: created, count: String(created.length) });
  }
}

/** @throws SubpipeError `INVALID` for flags that cannot both be meant. */
function checkTogether({ diff, create, lock, repository, offline }: Given): void {
  if (diff !== undefined && create) {
    throw invalid('--diff shows what has changed and --create starts the runs: leave one of them out');
  }
  if (lock && repository !== undefined) {
    throw invalid('--lock writes .tekton/lock.yaml of a checkout, but --repository is read without one', {
      hint: 'Lock it in a checkout, and commit the file.',
    });
  }
  if (lock && offline) {
    throw invalid('--lock looks at what is remote now, and --offline at nothing remote: leave one of them out');
  }
}

/** To the file of `-o`, or to standard output. */
function write(text: string, what: string, { params, stdout }: Context, place: Place): void {
  if (params.output === undefined) {
    stdout(text);
    return;
  }
  const file = path.resolve(place.folder, params.output);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text, { mode: 0o600 });
  } catch (cause) {
    throw invalid(`the file ${params.output} that -o names cannot be written`, { cause });
  }
  stdout(`${what} has been written to ${params.output}\n`);
}
