import { callerFields, callerName, readCaller } from '../../runtime/call/caller.ts';
import { createOrAdopt } from '../../runtime/call/create.ts';
import { callParams } from '../../runtime/call/params.ts';
import { prepareParams } from '../../runtime/call/prepare.ts';
import { callRules, union, wrapRules } from '../../runtime/call/rules.ts';
import { invalid } from '../../runtime/errors.ts';
import { arrayResult, textResult } from '../../runtime/results.ts';
import { defineStep } from '../../runtime/step.ts';

export const subpipeTrigger = defineStep({
  name: 'subpipe-trigger',
  summary: 'Starts a Pipeline, or several, and returns the names of the PipelineRuns.',
  description:
    'Params and workspaces are checked against what the Pipeline declares before anything is created. ' +
    'Run again by the same TaskRun, it finds the PipelineRuns of the first try. Wait for them with subpipe-wait.',
  params: callParams,
  workspaces: { source: { description: 'Where file is read from.', readOnly: true } },
  results: {
    run: textResult('Name of the PipelineRun, the first one of several.'),
    runs: arrayResult('Names of all PipelineRuns.'),
  },
  rbac: union(callRules, wrapRules),
  podFields: callerFields,

  async run({ params, kube, log, env, signal, report }) {
    const name = await callerName(kube, env);
    const caller = name === undefined ? undefined : await readCaller(kube, name, signal);
    const impatient = params.calls?.find(({ retries, onFailure }) => retries !== undefined || onFailure !== undefined);
    if (impatient !== undefined) {
      throw invalid(
        `the call ${impatient.name} has retries or onFailure, but subpipe-trigger does not wait for its end`,
        {
          hint: 'Use the Task subpipe, which does.',
        },
      );
    }
    const defaults = { retries: 0, onFailure: 'fail' } as const;
    const prepared = await prepareParams(params, defaults, { kube, log, caller, signal });
    const waiting = prepared.find(({ after }) => after.size > 0);
    if (waiting !== undefined) {
      throw invalid(`the call ${waiting.call.name} comes after another, but subpipe-trigger waits for none`, {
        hint: 'Use the Task subpipe, which does.',
      });
    }
    const created = await Promise.all(prepared.map((call) => createOrAdopt(kube, call, 0, log, signal)));
    for (const [index, { run, adopted }] of created.entries()) {
      const title = prepared[index]?.source.title ?? '';
      log.info(
        `PipelineRun ${run.metadata.name} of ${title} ${adopted ? 'adopted, an earlier try made it' : 'created'}`,
      );
    }
    const runs = created.map(({ run }) => run.metadata.name);
    await report({ run: runs[0] ?? '', runs });
  },
});
