import { callerFields, callerName, readCaller } from '../../runtime/call/caller.ts';
import { logModes } from '../../runtime/call/logs.ts';
import { callParams } from '../../runtime/call/params.ts';
import { prepareParams } from '../../runtime/call/prepare.ts';
import { outcomeReport, outcomeResults } from '../../runtime/call/report.ts';
import { callRules, union, waitRules, wrapRules } from '../../runtime/call/rules.ts';
import { failureOf, runCalls } from '../../runtime/call/run.ts';
import { Supervisor } from '../../runtime/call/supervisor.ts';
import { choice, integer, textMap } from '../../runtime/params.ts';
import { defineStep } from '../../runtime/step.ts';

export const subpipe = defineStep({
  name: 'subpipe',
  summary: 'Calls a Pipeline, or several, waits for the end and returns their results.',
  description:
    'subpipe-trigger and subpipe-wait in one pod. With calls it runs a whole graph of Pipelines: each can come after others ' +
    '(runAfter) and use their results, as ${calls.NAME.results.RESULT}, status, reason and run.',
  params: {
    ...callParams,
    retries: integer('How often a failed child is tried again.', { default: '0' }),
    onFailure: choice(['fail', 'continue'], 'What a failed child means for this step.', { default: 'fail' }),
    logs: choice(logModes, 'Whose logs are shown: all, those of failed tasks at the end, or none.', { default: 'all' }),
    childResults: textMap(
      'Files that results of a single child are written to, as a YAML map: what npx subpipe stub makes.',
      {
        bound: '',
      },
    ),
  },
  workspaces: { source: { description: 'Where file is read from.', readOnly: true } },
  results: outcomeResults,
  rbac: union(callRules, wrapRules, waitRules),
  podFields: callerFields,

  async run({ params, kube, log, env, signal, report }) {
    const name = await callerName(kube, env);
    const caller = name === undefined ? undefined : await readCaller(kube, name, signal);
    const callerVersion = (caller?.parent ?? caller?.run)?.metadata.resourceVersion;
    const supervisor = new Supervisor({ kube, log, caller, callerVersion, logs: params.logs, signal });
    try {
      const defaults = { retries: params.retries, onFailure: params.onFailure };
      const prepared = await prepareParams(params, defaults, { kube, log, caller, signal: supervisor.signal });
      const outcomes = await runCalls(prepared, { kube, log, supervisor });
      const ended = outcomes.map(({ call, run, outcome }) => ({
        name: call.call.name,
        ref: run === undefined ? undefined : { namespace: call.namespace, name: run },
        outcome,
      }));
      const values = await outcomeReport(kube, log, ended, params.calls !== undefined);
      await report(values, childFiles(params.childResults ?? {}, outcomes[0]?.outcome.results ?? {}));
      const failure = failureOf(outcomes);
      if (failure !== undefined) throw failure;
    } finally {
      await supervisor.close();
    }
  },
});

/** The results of a stub's child by the file of each; one that the child did not give is not written. */
function childFiles<T>(
  paths: Record<string, string>,
  results: Record<string, T>,
): { name: string; path: string; value: T }[] {
  return Object.entries(paths).flatMap(([name, path]) => {
    const value = results[name];
    return value === undefined ? [] : [{ name, path, value }];
  });
}
