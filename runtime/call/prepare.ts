import { invalid } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Log } from '../log.ts';
import { checkAcyclic } from '../tekton/dag.ts';
import type { WorkspaceBinding } from '../tekton/types.ts';
import type { Call } from './call.ts';
import type { Caller } from './caller.ts';
import { chainOf, extendChain } from './chain.ts';
import { checkCall, type GivenParam } from './check.ts';
import { byName, type ChildPlan, ownerOf, workspacesOf } from './child.ts';
import { type CallDefaults, type CallValues, callerUidOf, callsOf } from './params.ts';
import { wrongTypeIn } from './reference-types.ts';
import { malformedIn, referencesIn } from './references.ts';
import { resolveSource } from './source.ts';
import { wrapCall } from './wrap.ts';

/** A call that was looked up and checked: its child can be made. */
export interface PreparedCall extends ChildPlan {
  /** The calls it comes after: by `runAfter`, or because it uses their results. */
  after: ReadonlySet<string>;
}

export interface PrepareOptions {
  kube: KubeClient;
  log: Log;
  caller: Caller | undefined;
  callerUid: string;
  namespace: string;
  folder: string;
  maxDepth: number;
  signal: AbortSignal;
}

/** {@link prepare}s the calls that a step's params ask for. */
export async function prepareParams(
  params: CallValues,
  defaults: CallDefaults,
  { kube, log, caller, signal }: Pick<PrepareOptions, 'kube' | 'log' | 'caller' | 'signal'>,
): Promise<PreparedCall[]> {
  return prepare(callsOf(params, caller, defaults), {
    kube,
    log,
    caller,
    callerUid: callerUidOf(caller),
    namespace: params.namespace ?? (await kube.config()).namespace,
    folder: params.source ?? '.',
    maxDepth: params.maxDepth,
    signal,
  });
}

/**
 * Looks all calls up, at once, and checks them all before the first child is made: params, workspaces, call chain,
 * order, and that each result that is used is one that its Pipeline declares, of a type that fits.
 *
 * @throws SubpipeError `INVALID` that names the call.
 */
export async function prepare(calls: readonly Call[], options: PrepareOptions): Promise<PreparedCall[]> {
  const names = calls.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`two calls are named ${twice}: each needs a name of its own`);
  const after = new Map(calls.map((call) => [call.name, predecessors(call)]));
  checkAcyclic(after, 'call');
  const chain = chainOf(options.caller);
  const prepared = await Promise.all(
    calls.map((call) => prepareOne(call, chain, after.get(call.name) ?? new Set(), options)),
  );
  for (const one of prepared) {
    checkReferences(one.call, prepared);
    const wrong = wrongTypeIn(one, prepared);
    if (wrong !== undefined) {
      throw invalid(`the call ${one.call.name} of ${one.source.title} does not fit: ${wrong}`, {
        hint: 'Nothing was created.',
      });
    }
  }
  return prepared;
}

async function prepareOne(
  call: Call,
  chain: readonly string[],
  after: ReadonlySet<string>,
  options: PrepareOptions,
): Promise<PreparedCall> {
  const { kube, log, caller, callerUid, folder, maxDepth, signal } = options;
  const namespace = call.namespace ?? options.namespace;
  const owner = caller !== undefined && caller.namespace === namespace ? ownerOf(caller) : undefined;
  const source = await resolveSource(call.source, { kube, log, namespace, folder, owner, signal });
  // A circle is told as such, whatever else does not fit.
  const extended = extendChain(chain, source.identity, maxDepth);
  const inherited = byName(source.base?.spec.params ?? [], call.runSpec.params ?? []);
  const given = byName<GivenParam>(inherited, call.params);
  const params = checkCall(source.title, source.spec, given, workspacesOf(call, source));
  for (const { name } of unshared(call, caller)) {
    log.warn(`the workspace ${name} is made anew for ${call.name}: what the caller has in it does not go along`);
  }
  const wrapped =
    call.ociWorkspaces === undefined
      ? { call, source }
      : await wrapCall(call, source, call.ociWorkspaces, { kube, log, namespace, owner, signal, params });
  return {
    ...wrapped,
    params,
    chain: extended,
    namespace,
    caller,
    callerUid,
    after,
  };
}

/** All that references of a call may stand in. */
function paramsOf(call: Call): GivenParam[] {
  const base = call.source.kind === 'run' ? (call.source.run.spec.params ?? []) : [];
  return byName<GivenParam>(byName(base, call.runSpec.params ?? []), call.params);
}

/** Bindings that are passed on, but name nothing that two runs could share (docs/workspaces.md "emptyDir"). */
function unshared(call: Call, caller: Caller | undefined): WorkspaceBinding[] {
  const passed = call.workspaces.filter((binding) => caller?.run.spec.workspaces?.includes(binding));
  return passed.filter((binding) => binding.emptyDir !== undefined || binding.volumeClaimTemplate !== undefined);
}

function predecessors(call: Call): Set<string> {
  const used = paramsOf(call).flatMap((param) => referencesIn('text' in param ? param.text : param.value));
  return new Set([...call.runAfter, ...used.map((reference) => reference.call)]);
}

function checkReferences(one: Call, prepared: readonly PreparedCall[]): void {
  const { name } = one;
  for (const param of paramsOf(one)) {
    const malformed = malformedIn('text' in param ? param.text : param.value);
    if (malformed !== undefined) {
      throw invalid(
        `the call ${name} uses ${malformed}, but a reference is \${calls.NAME.results.RESULT}, or status, reason or run of a call`,
      );
    }
    for (const { text, call, field } of referencesIn('text' in param ? param.text : param.value)) {
      if (field.kind !== 'result') continue;
      const results = prepared.find((other) => other.call.name === call)?.source.spec.results ?? [];
      if (results.some((result) => result.name === field.result)) continue;
      throw invalid(
        `the call ${name} uses ${text}, but ${call} has ${results.map((result) => result.name).join(', ') || 'no results'}`,
      );
    }
  }
}
