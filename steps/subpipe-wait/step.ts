import { callerFields, callerName } from '../../runtime/call/caller.ts';
import { logModes } from '../../runtime/call/logs.ts';
import { outcomeReport, outcomeResults } from '../../runtime/call/report.ts';
import { waitRules } from '../../runtime/call/rules.ts';
import { Supervisor } from '../../runtime/call/supervisor.ts';
import { formatDuration } from '../../runtime/duration.ts';
import { SubpipeError } from '../../runtime/errors.ts';
import { choice, duration, list, resourceName } from '../../runtime/params.ts';
import { defineStep } from '../../runtime/step.ts';

/** Node's longest timer, 24.8 days: a longer one would fire at once. No pod waits for so long. */
const longestTimer = 2 ** 31 - 1;

export const subpipeWait = defineStep({
  name: 'subpipe-wait',
  summary: 'Follows PipelineRuns to their end and returns how they ended.',
  description:
    'Shows the logs of all their tasks while they run, and passes on to them what happens to the caller: cancelled, stopped, timed out, deleted.',
  params: {
    runs: list('PipelineRuns to wait for, by name.', { required: true, form: 'NAME' }),
    namespace: resourceName("Namespace of the PipelineRuns. Default: the caller's."),
    timeout: duration('Cancel them after this long. Default: wait as long as the caller may.'),
    onFailure: choice(['fail', 'continue'], 'What a failed run means for this step.', { default: 'fail' }),
    logs: choice(logModes, 'Whose logs are shown: all, those of failed tasks at the end, or none.', { default: 'all' }),
  },
  results: outcomeResults,
  rbac: waitRules,
  podFields: callerFields,

  async run({ params, kube, log, env, signal, report }) {
    const caller = await callerName(kube, env);
    const namespace = params.namespace ?? (await kube.config()).namespace;
    const supervisor = new Supervisor({ kube, log, caller, logs: params.logs, signal });
    const limit = params.timeout || undefined; // 0 is no limit, as in Tekton
    let late = false;
    const timer = setTimeout(
      () => {
        if (limit === undefined || limit > longestTimer) return;
        late = true;
        log.warn(`the runs have not ended within ${formatDuration(limit)}: they are cancelled`);
        supervisor.pass('TimedOut');
      },
      Math.min(limit ?? longestTimer, longestTimer),
    );
    try {
      const names = [...new Set(params.runs)];
      const ended = await Promise.all(
        names.map(async (name) => {
          const ref = { namespace, name };
          const outcome = await supervisor.follow(ref, name);
          log.info(
            `${name} ended: ${outcome.status} (${outcome.reason})${outcome.message === '' ? '' : `: ${outcome.message}`}`,
          );
          const timedOut = late && outcome.status === 'Cancelled';
          return { name, ref, outcome: timedOut ? { ...outcome, status: 'TimedOut' as const } : outcome };
        }),
      );
      await report(await outcomeReport(kube, log, ended, names.length > 1));
      const bad = ended.filter(({ outcome }) => outcome.status !== 'Succeeded');
      if (bad.length > 0 && params.onFailure === 'fail') {
        throw new SubpipeError(
          'FAILED',
          bad.map(({ name, outcome }) => `${name} ended as ${outcome.status} (${outcome.reason})`).join('; '),
        );
      }
    } finally {
      clearTimeout(timer);
      await supervisor.close();
    }
  },
});
