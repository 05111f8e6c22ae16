import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Rule } from '../../runtime/kube/rbac.ts';
import { pipelineRuns } from '../../runtime/kube/resource.ts';
import type { Params } from '../../runtime/params.ts';
import type { Results } from '../../runtime/results.ts';
import type { StepDefinition } from '../../runtime/step.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { FakeKube, type FakeKubeOptions, type SeenRequest } from '../fakes/kube.ts';
import { type Folder, makeFolder } from './folder.ts';
import { execute, type StepRun } from './step.ts';

/** A fake cluster, and a folder from which steps are run on it. */
export interface Cluster extends AsyncDisposable {
  kube: FakeKube;
  folder: Folder;
  kubeconfig: string;
  /** Runs a step. `results` are the files that it wrote, by name. */
  run<P extends Params, R extends Results>(
    step: StepDefinition<P, R>,
    argv: readonly string[],
    options?: { env?: NodeJS.ProcessEnv; signal?: AbortSignal },
  ): Promise<StepRun & { results: Record<string, string> }>;
  /** The PipelineRuns that steps have made, in the order of their making. */
  children(): PipelineRun[];
  /** The n-th child, as soon as it is there. */
  child(number: number): Promise<PipelineRun>;
}

export async function makeCluster(options: FakeKubeOptions = {}): Promise<Cluster> {
  const kube = await FakeKube.start(options);
  const folder = await makeFolder();
  const kubeconfig = await folder.write('kubeconfig', kube.kubeconfig());
  const rules: Rule[] = [];
  const end = new AbortController();
  let runs = 0;
  const children = (): PipelineRun[] =>
    kube.all<PipelineRun>(pipelineRuns).filter(({ metadata }) => metadata.labels?.['subpipe.dev/call'] !== undefined);
  return {
    kube,
    folder,
    kubeconfig,
    children,
    async child(number) {
      await kube.until(() => children().length >= number, `child ${number}`);
      return children()[number - 1] as PipelineRun;
    },
    async run(step, argv, given = {}) {
      const at = path.join(folder.path, `results-${runs++}`);
      const names = Object.keys(step.results).map((name) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`));
      const flags = names.map((name) => `--result.${name}=${path.join(at, name)}`);
      rules.push(...(step.rbac ?? []));
      const signal = given.signal === undefined ? end.signal : AbortSignal.any([given.signal, end.signal]);
      const run = await execute(step, [`--kubeconfig=${kubeconfig}`, ...flags, ...argv], { ...given, signal });
      for (const request of kube.requests) assertAllowed(request, rules);
      const written = await readdir(at).catch(() => []);
      const results = await Promise.all(
        written.map(async (name) => [name, await readFile(path.join(at, name), 'utf8')] as const),
      );
      return { ...run, results: Object.fromEntries(results) };
    },
    async [Symbol.asyncDispose]() {
      // What a failed test left waiting does not keep its process.
      end.abort(new Error('the test has ended'));
      await kube[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A step's Role is made from its rules: it may ask for nothing else. */
function assertAllowed({ verb, resource }: SeenRequest, rules: readonly Rule[]): void {
  const allowed = rules.some(({ resources, verbs }) => resources.includes(resource) && verbs.includes(verb));
  assert.ok(allowed, `the step asks to ${verb} ${resource}, but its rules do not allow it`);
}
