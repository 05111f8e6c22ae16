import { withName } from '../tekton/as-referenced.ts';
import type { Param, PipelineRunSpec } from '../tekton/types.ts';
import type { WrapOptions } from '../wrap/wrap.ts';
import type { Call } from './call.ts';
import { merge, workspacesOf } from './child.ts';
import type { ResolvedSource, SourceContext } from './source.ts';

/**
 * A call whose child hands on by OCI images what is in workspaces that are bound to an emptyDir: its Pipeline becomes a part of it.
 * @throws SubpipeError `INVALID` that names the task, workspace or option that cannot be.
 */
export async function wrapCall(
  call: Call,
  source: ResolvedSource,
  options: WrapOptions,
  context: Omit<SourceContext, 'folder'> & { params: readonly Param[] },
): Promise<{ call: Call; source: ResolvedSource }> {
  const { embedTasks } = await import('../wrap/embed.ts');
  const { wrapPipeline } = await import('../wrap/wrap.ts');
  const workspaces = workspacesOf(call, source);
  const run = { ...(merge(source.base?.spec ?? {}, call.runSpec) as PipelineRunSpec), workspaces };
  const own = <T>(value: T): T => (source.pipeline === undefined ? value : withName(value, source.pipeline));
  const whole = await embedTasks(own(source.spec), workspaces, context);
  const wrapped = wrapPipeline(whole, run, own(options));
  if (wrapped.carried.length === 0) {
    context.log.warn(`no workspace of ${source.title} is bound to an emptyDir: images hand on nothing`);
    return { call, source };
  }
  context.log.info(`images hand on the workspaces ${wrapped.carried.join(', ')} of ${source.title}`);
  return {
    call: { ...call, workspaces: wrapped.workspaces },
    source: { ...source, target: { pipelineSpec: wrapped.spec } },
  };
}
