import type { KubeClient } from './kube/client.ts';
import type { Rule } from './kube/rbac.ts';
import type { Log } from './log.ts';
import type { Params, ValuesOf } from './params.ts';
import type { ReportOf, ResultFile, Results } from './results.ts';

/** What a step is given when it runs. */
export interface StepContext<P extends Params, R extends Results> {
  params: ValuesOf<P>;
  /** Asks for no request until it is used. Its kubeconfig or service account is read with the first one. */
  kube: KubeClient;
  log: Log;
  env: NodeJS.ProcessEnv;
  /** Aborts on SIGTERM and SIGINT. A step that holds things of others (child runs) ends them first, then returns. */
  signal: AbortSignal;
  /** For a step whose result a person or a script reads there. */
  stdout(text: string): void;
  /**
   * Writes results. Call it once, and before a failure is thrown: a failed Task's results can be read in `finally`.
   * @param files Results whose names are known only at run time.
   * @throws SubpipeError `FAILED` where they are too large for Tekton.
   */
  report(results: ReportOf<R>, files?: readonly ResultFile[]): Promise<void>;
}

/** A Task's workspace that the step reads through a bound flag; it is optional unless that flag is required. */
export interface StepWorkspace {
  description: string;
  readOnly?: boolean;
}

/** One step, whole: its contract, the rights that it needs, its work. */
export interface StepDefinition<P extends Params = Params, R extends Results = Results> {
  name: string;
  /** One sentence. */
  summary: string;
  /** Paragraphs for `--help` and the Task's description. */
  description?: string;
  params: P;
  results: R;
  workspaces?: Record<string, StepWorkspace>;
  /** What the step's service account must be allowed; becomes a Role. */
  rbac?: readonly Rule[];
  /** Environment of the step's container from fields of its pod (the downward API): `{ POD: 'metadata.name' }`. */
  podFields?: Record<string, string>;
  /**
   * It shares files with other steps: it runs as the user that the pod names (`podTemplate.securityContext`), else as the image's.
   * Without it the step is always the same user, whatever the pod says.
   */
  podUser?: boolean;
  /**
   * The command whose place the step takes in scripts: short flags and flags with their value in the next word are read as it does, and
   * a failure is `Error: …` on stderr with exit code 1, whatever its kind.
   */
  replaces?: string;
  run(context: StepContext<P, R>): Promise<void>;
}

/**
 * Defines a step once. Its flags, their checks, `--help`, the Task, the StepAction, the Role and the README's table
 * are all made from this one object.
 *
 * @throws TypeError where the definition itself is wrong, such as two list params.
 */
export function defineStep<const P extends Params, const R extends Results>(
  definition: StepDefinition<P, R>,
): StepDefinition<P, R> {
  const lists = Object.entries(definition.params).filter(([, param]) => param.type === 'array');
  if (lists.length > 1) {
    throw new TypeError(`step ${definition.name} has ${lists.length} list params, but only one can follow "--"`);
  }
  return definition;
}
