import { randomUUID } from 'node:crypto';
import type { Call } from '../../runtime/call/call.ts';
import { type LogMode, logModes } from '../../runtime/call/logs.ts';
import { type PreparedCall, type PrepareOptions, prepare } from '../../runtime/call/prepare.ts';
import { explain, hasCode, invalid, SubpipeError } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import type { CommandContext } from '../command.ts';
import type { Flag } from '../flags.ts';
import { createRun } from './create.ts';
import { followRun } from './follow.ts';
import { titleOf } from './render.ts';

export const logsFlag: Flag = {
  name: 'logs',
  form: logModes.join('|'),
  description: 'Whose logs are shown. Default: all.',
};

/** What `--logs` says. @throws SubpipeError `INVALID`. */
export function logModeOf({ flags }: CommandContext): LogMode {
  const mode = flags.text('logs') ?? 'all';
  const found = logModes.find((one) => one === mode);
  if (found === undefined)
    throw invalid(`--logs must be one of ${logModes.join(', ')}, but is ${JSON.stringify(mode)}`);
  return found;
}

/** Prepares the call of a person, whom nobody calls. @param folder where its file is. */
export async function prepareCall(
  call: Call,
  options: Pick<PrepareOptions, 'kube' | 'log' | 'namespace' | 'signal'> & { folder: string | undefined },
): Promise<PreparedCall> {
  const { folder = '.', ...rest } = options;
  const [plan] = await prepare([call], {
    ...rest,
    caller: undefined,
    callerUid: randomUUID(),
    folder,
    maxDepth: 10,
  });
  if (plan === undefined) throw new TypeError('one call is prepared as one');
  return plan;
}

/** Creates the run and follows it to its end. Gives the exit code. @throws SubpipeError `FAILED` where the run failed. */
export async function startAndFollow(
  plan: PreparedCall,
  kube: KubeClient,
  logs: LogMode,
  { stdout, stderr, env, signal }: CommandContext,
): Promise<number> {
  const created = await createRun(kube, plan, signal);
  const { name } = created.metadata;
  stdout.write(`PipelineRun ${name} of ${plan.source.title} in namespace ${plan.namespace} created\n`);
  const title = titleOf(created) ?? plan.source.title.replace(/-+$/, '');
  const colour = stdout.isTTY === true && (env.NO_COLOR ?? '') === '';
  try {
    const { outcome } = await followRun({ kube, run: created, title, logs, out: stdout, colour, signal });
    if (outcome.status === 'Succeeded') return 0;
    throw new SubpipeError('FAILED', `${name} ended as ${outcome.status} (${outcome.reason})`);
  } catch (error) {
    if (!hasCode(error, 'ABORTED')) throw error;
    const patch = `kubectl patch pipelinerun ${name} -n ${plan.namespace} --type merge -p '{"spec":{"status":"Cancelled"}}'`;
    stderr.write(`subpipe: ${explain(error)} To cancel it: ${patch}\n`);
    return 1;
  }
}
