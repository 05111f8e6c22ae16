import type { Call } from '../../runtime/call/call.ts';
import { callerName, readCaller } from '../../runtime/call/caller.ts';
import { createOrAdopt } from '../../runtime/call/create.ts';
import { callerUidOf } from '../../runtime/call/params.ts';
import { prepare } from '../../runtime/call/prepare.ts';
import type { ResolvedRun } from '../../runtime/resolve/resolved.ts';
import type { Context } from './work.ts';

/** Creates the PipelineRuns, or finds those of an earlier try of the same TaskRun; gives their names. */
export async function createRuns(context: Context, runs: readonly ResolvedRun[]): Promise<string[]> {
  const { kube, env, params, log, signal } = context;
  const name = await callerName(kube, env);
  const caller = name === undefined ? undefined : await readCaller(kube, name, signal);
  const prepared = await prepare(runs.map(callOf), {
    kube,
    log,
    caller,
    callerUid: callerUidOf(caller),
    namespace: params.namespace ?? (await kube.config()).namespace,
    folder: '.',
    maxDepth: 10,
    signal,
  });
  const created = await Promise.all(prepared.map((call) => createOrAdopt(kube, call, 0, log, signal)));
  for (const { run, adopted } of created) {
    log.info(`PipelineRun ${run.metadata.name} ${adopted ? 'adopted, an earlier try made it' : 'created'}`);
  }
  return created.map(({ run }) => run.metadata.name);
}

/** A call that adds nothing to the run. Its name is the run's in the repository, as far as a call may have it. */
function callOf({ origin, run }: ResolvedRun, index: number): Call {
  const clean = origin.name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 50)
    .replace(/-+$/, '');
  return {
    name: clean === '' ? `run-${index + 1}` : clean,
    source: { kind: 'run', run },
    params: [],
    workspaces: [],
    namespace: undefined,
    serviceAccount: undefined,
    timeout: undefined,
    retries: 0,
    labels: {},
    annotations: {},
    runSpec: {},
    runAfter: [],
    onFailure: 'fail',
  };
}
