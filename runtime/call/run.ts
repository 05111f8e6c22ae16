import { explain, SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Log } from '../log.ts';
import type { Param } from '../tekton/types.ts';
import { findingsIn } from './check.ts';
import { type Created, createOrAdopt } from './create.ts';
import type { Outcome } from './outcome.ts';
import type { PreparedCall } from './prepare.ts';
import { type EndedCall, substitute } from './references.ts';
import type { Supervisor } from './supervisor.ts';

/** How one call went. `run` is unset where no child was made. */
export interface CallOutcome {
  call: PreparedCall;
  run: string | undefined;
  outcome: Outcome;
}

/**
 * Runs prepared calls, each as soon as those before it have ended. After a failure that counts no new call is made,
 * those that run go on to their end: as Tekton does with a Pipeline's tasks.
 */
export async function runCalls(
  calls: readonly PreparedCall[],
  context: { kube: KubeClient; log: Log; supervisor: Supervisor },
): Promise<CallOutcome[]> {
  const { log, supervisor } = context;
  const ended = new Map<string, EndedCall>();
  const started = new Map<string, Promise<CallOutcome>>();
  let failed = false;

  const start = (call: PreparedCall): Promise<CallOutcome> => {
    const known = started.get(call.call.name);
    if (known !== undefined) return known;
    const running = (async (): Promise<CallOutcome> => {
      const before = calls.filter((other) => call.after.has(other.call.name));
      await Promise.all(before.map(start));
      if (failed || supervisor.order !== undefined) {
        const why = failed ? 'an earlier call failed' : `the caller was told ${supervisor.order}`;
        log.info(`${call.call.name} is not called, because ${why}`);
        return { call, run: undefined, outcome: skipped(why) };
      }
      const result = await runOne(call, ended, context).catch((error: unknown) => {
        failed = true;
        throw error;
      });
      const { status, reason, results } = result.outcome;
      ended.set(call.call.name, { run: result.run ?? '', status, reason, results });
      if (status !== 'Succeeded' && call.call.onFailure === 'fail') failed = true;
      return result;
    })();
    started.set(call.call.name, running);
    return running;
  };
  const all = await Promise.allSettled(calls.map(start));
  // A call that cannot be made ends the step, but not before those that run have ended.
  const broken = all.find((one) => one.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

async function runOne(
  prepared: PreparedCall,
  ended: ReadonlyMap<string, EndedCall>,
  { kube, log, supervisor }: { kube: KubeClient; log: Log; supervisor: Supervisor },
): Promise<CallOutcome> {
  const { call, source, namespace } = prepared;
  const params: Param[] = [];
  try {
    for (const { name, value } of prepared.params) params.push({ name, value: substitute(value, ended) });
  } catch (error) {
    return notCalled(prepared, 'MissingResult', `${call.name} cannot be called: ${explain(error)}`, log);
  }
  const findings = findingsIn(source.spec, params);
  if (findings.length > 0) {
    const why = `${call.name} cannot be called, its params do not fit ${source.title}: ${findings.join('; ')}`;
    return notCalled(prepared, 'WrongParam', why, log);
  }
  const plan = { ...prepared, params };
  let from = 0;
  for (;;) {
    const created = await createOrAdopt(kube, plan, from, log, supervisor.signal);
    announce(log, created, source.title, namespace);
    const { run } = created;
    const outcome = await supervisor.follow({ namespace, name: run.metadata.name }, call.name, run);
    log.info(
      `${run.metadata.name} ended: ${outcome.status} (${outcome.reason})${outcome.message === '' ? '' : `: ${outcome.message}`}`,
    );
    // As in Tekton, what somebody cancelled or deleted is not tried again.
    const unwanted = outcome.status === 'Succeeded' || outcome.status === 'Cancelled';
    // Counted by the children that there are, so that an evicted step's next try does not begin anew. When all have failed,
    // Tekton's own retry of the TaskRun is a new round.
    const left = call.retries - (created.attempt % (call.retries + 1));
    const again = !unwanted && left > 0 && supervisor.order === undefined;
    if (!again) return { call: plan, run: run.metadata.name, outcome };
    log.info(`${call.name} is tried again, ${left} of ${call.retries} retries left`);
    from = created.attempt + 1;
  }
}

/** The outcome of a call whose params turn out to be wrong only when those before it have ended. */
function notCalled(call: PreparedCall, reason: string, message: string, log: Log): CallOutcome {
  log.error(message);
  return { call, run: undefined, outcome: { status: 'Failed', reason, message, results: {} } };
}

function announce(log: Log, { run, adopted }: Created, title: string, namespace: string): void {
  const what = adopted ? 'adopted, an earlier try made it' : 'created';
  log.info(`PipelineRun ${run.metadata.name} of ${title} in namespace ${namespace} ${what}`);
}

function skipped(why: string): Outcome {
  return { status: 'Cancelled', reason: 'Skipped', message: why, results: {} };
}

/** The error of a step whose calls failed where that counts; `undefined` where all is well. */
export function failureOf(outcomes: readonly CallOutcome[]): SubpipeError | undefined {
  const bad = outcomes.filter(({ call, outcome }) => outcome.status !== 'Succeeded' && call.call.onFailure === 'fail');
  if (bad.length === 0) return undefined;
  const each = bad.map(
    ({ call, run, outcome }) => `${run ?? call.call.name} ended as ${outcome.status} (${outcome.reason})`,
  );
  return new SubpipeError('FAILED', each.join('; '));
}
