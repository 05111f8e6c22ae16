import { isFields } from '../../shape.ts';
import { namesUnder } from '../../tekton/variables.ts';
import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { didYouMean } from './names.ts';
import { stepTexts } from './texts.ts';
import { fieldsIn, type Item, isGiven, itemsOf, repeated, textIn } from './values.ts';

const sources = ['persistentVolumeClaim', 'volumeClaimTemplate', 'emptyDir', 'configMap', 'secret', 'projected', 'csi'];

/** What a run binds (docs/workspaces.md, Specifying VolumeSources in Workspaces). */
export function checkBindings(workspaces: unknown, at: FieldPath, findings: Findings): void {
  const bindings = itemsOf(workspaces, at);
  for (const { at: second, name } of repeated(bindings))
    findings.error(second, `the run binds the workspace ${name} twice`);
  for (const { at: place, name, fields } of bindings) {
    const given = sources.filter((source) => isGiven(fields[source]));
    if (given.length !== 1) {
      const came = given.length === 0 ? 'has none' : `has ${given.join(' and ')}`;
      findings.error(place, `the workspace ${name} must have one source of ${sources.join(', ')}, but ${came}`);
      continue;
    }
    const [source = ''] = given;
    const of = fieldsIn(fields[source]);
    const needs: Record<string, string> = {
      persistentVolumeClaim: 'claimName',
      configMap: 'name',
      secret: 'secretName',
      projected: 'sources',
      csi: 'driver',
    };
    const need = needs[source];
    const value = need === undefined ? 'enough' : of[need];
    const isThere = typeof value === 'string' ? value !== '' : Array.isArray(value) && value.length > 0;
    if (!isThere) findings.error([...place, source], `the ${source} of workspace ${name} needs ${need}`);
  }
}

/** Workspaces that a Pipeline declares, against what its run binds. */
export function checkDeclared(
  spec: Item,
  run: { bound: ReadonlySet<string>; at: FieldPath },
  findings: Findings,
): void {
  const declared = itemsOf(spec.fields.workspaces, [...spec.at, 'workspaces']);
  for (const { at, name } of repeated(declared))
    findings.error(at, `the Pipeline declares the workspace ${name} twice`);
  for (const { at, name, index, fields } of declared) {
    if (name === '') findings.error(at, `workspace ${index + 1} of the Pipeline has no name`);
    else if (fields.optional !== true && !run.bound.has(name)) {
      const strangers = [...run.bound].filter((one) => !declared.some((other) => other.name === one));
      findings.error(
        run.at,
        `the run binds no workspace ${name}, which the Pipeline requires${didYouMean(name, strangers)}`,
      );
    }
  }
}

/** Workspaces of a pipeline task: where each comes from, and whether its Task gets what it needs. */
export function checkTaskWorkspaces(
  task: Item,
  run: { bound: ReadonlySet<string>; declared: readonly Item[] },
  findings: Findings,
): void {
  const bindings = itemsOf(task.fields.workspaces, [...task.at, 'workspaces']);
  for (const { at, name } of repeated(bindings))
    findings.error(at, `task ${task.name} binds the workspace ${name} twice`);
  const spec = isFields(task.fields.taskSpec) ? task.fields.taskSpec : undefined;
  const wanted = itemsOf(spec?.workspaces, []);
  const isOptional = (name: string): boolean =>
    wanted.some((workspace) => workspace.name === name && workspace.fields.optional === true);
  const known = new Set([...run.bound, ...run.declared.map(({ name }) => name)]);
  for (const { at, name, fields } of bindings) {
    const source = textIn(fields.workspace) || name;
    const ofPipeline = run.declared.find((one) => one.name === source);
    if (ofPipeline?.fields.optional === true && textIn(fields.workspace) !== '') {
      if (spec !== undefined && wanted.some((one) => one.name === name) && !isOptional(name)) {
        findings.error(
          at,
          `the workspace ${source} is optional in the Pipeline, but the Task of ${task.name} requires it as ${name}`,
        );
      }
    }
    // What the Pipeline declares and nobody binds is told of at the run.
    if (known.has(source) || isOptional(name)) continue;
    const message = `task ${task.name} binds ${name} to the workspace ${source}, which neither the Pipeline declares nor the run binds`;
    // A Task that is somewhere else may have it as optional.
    if (spec === undefined) findings.warning(at, `${message}${didYouMean(source, known)}`);
    else findings.error(at, `${message}${didYouMean(source, known)}`);
  }
  if (spec === undefined || isGiven(spec.apiVersion)) return;
  const inner: Item = { at: [...task.at, 'taskSpec'], index: 0, name: '', fields: spec };
  const bound = new Set(bindings.map(({ name }) => name));
  const used = workspacesUsed(inner);
  for (const { name, fields } of wanted) {
    if (fields.optional === true || bound.has(name)) continue;
    // A workspace that a step names is bound to the run's of the same name.
    if (used.has(name) && run.bound.has(name)) continue;
    findings.error(task.at, `task ${task.name} binds no workspace ${name}, which its Task requires`);
  }
  for (const [name, at] of used) {
    if (bound.has(name) || run.bound.has(name) || wanted.some((workspace) => workspace.name === name)) continue;
    const all = [...bound, ...wanted.map((workspace) => workspace.name), ...run.bound];
    findings.error(
      at,
      `the Task of ${task.name} uses the workspace ${name}, which nobody binds${didYouMean(name, all)}`,
    );
  }
}

/** `$(workspaces.NAME.…)` of steps, sidecars and the step template, each with its first place. */
function workspacesUsed({ at, fields }: Item): Map<string, FieldPath> {
  const texts = [
    ...itemsOf(fields.steps, [...at, 'steps']).flatMap(stepTexts),
    ...itemsOf(fields.sidecars, [...at, 'sidecars']).flatMap(stepTexts),
    ...stepTexts({ at: [...at, 'stepTemplate'], fields: fieldsIn(fields.stepTemplate) }),
  ];
  const used = new Map<string, FieldPath>();
  for (const { at: place, text } of texts) {
    for (const { name, isDotted } of namesUnder(text, 'workspaces')) {
      const first = isDotted ? (name.split('.')[0] ?? '') : name;
      if (!used.has(first)) used.set(first, place);
    }
  }
  return used;
}
