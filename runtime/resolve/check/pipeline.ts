import { isFields } from '../../shape.ts';
import { isCustom } from './custom.ts';
import type { Findings } from './findings.ts';
import { checkGraph } from './graph.ts';
import { checkMatrix, isMatrixed, matrixParams } from './matrix.ts';
import { isLabel, labelRule } from './names.ts';
import { checkDeclarations, checkFit, checkGiven } from './params.ts';
import { checkFinally, checkPipelineResults, checkVariables } from './references.ts';
import { checkRef } from './refs.ts';
import { declaredIn, givenIn, type KnownParam, merged, type Scope } from './scope.ts';
import { checkTask, checkTaskParams } from './task.ts';
import { checkDuration } from './times.ts';
import { checkParams, type Known } from './usage.ts';
import { fieldsIn, type Item, isGiven, itemsOf, repeated, textIn, textsOfValue } from './values.ts';
import { checkWhen } from './when.ts';
import { checkTaskWorkspaces } from './workspaces.ts';

/** What a run gives to its Pipeline. */
export interface Given {
  params: Scope;
  /** Names of the workspaces that it binds. */
  bound: ReadonlySet<string>;
}

/** A PipelineSpec in a run, with all that is embedded in it (docs/pipelines.md). */
export function checkPipeline(spec: Item, given: Given, findings: Findings): void {
  const { at, fields } = spec;
  const tasks = itemsOf(fields.tasks, [...at, 'tasks']);
  const last = itemsOf(fields.finally, [...at, 'finally']);
  if (Object.values(fields).every((value) => !isGiven(value)))
    findings.error(at, 'the Pipeline is empty: expected tasks');
  if (tasks.length === 0 && last.length > 0)
    findings.error([...at, 'finally'], 'the Pipeline has finally, but no tasks');
  checkDeclarations(fields.params, [...at, 'params'], 'the Pipeline', findings);
  for (const task of repeated([...tasks, ...last])) {
    findings.error([...task.at, 'name'], `two tasks of the Pipeline have the name ${task.name}`);
  }

  const scope = merged(declaredIn(fields.params), given.params);
  const webhook = new Set([...scope.keys(), ...tasks.flatMap(paramNames)]);
  const declared = itemsOf(fields.workspaces, []);
  for (const task of [...tasks, ...last]) {
    const isLast = !tasks.includes(task);
    const known: Known = { scope, webhook: isLast ? undefined : webhook, owner: 'the Pipeline' };
    checkPipelineTask(task, known, findings);
    checkTaskWorkspaces(task, { bound: given.bound, declared }, findings);
  }
  checkGraph(tasks, findings);
  checkVariables(tasks, last, findings);
  checkFinally(tasks, last, findings);
  checkPipelineResults(spec, tasks, last, findings);
}

function checkPipelineTask(task: Item, known: Known, findings: Findings): void {
  const { at, name, fields } = task;
  if (!isLabel(name)) {
    findings.error(
      [...at, 'name'],
      `${JSON.stringify(name)} cannot be the name of a pipeline task: expected ${labelRule}`,
    );
  }
  const kinds = ['taskRef', 'taskSpec', 'pipelineRef', 'pipelineSpec'].filter((field) => isGiven(fields[field]));
  if (kinds.length !== 1) {
    const came = kinds.length === 0 ? 'has neither' : `has ${kinds.join(' and ')}`;
    findings.error(at, `task ${name} must have either taskRef or taskSpec, but ${came}`);
  }
  for (const field of kinds.filter((one) => one.startsWith('pipeline'))) {
    findings.warning([...at, field], `Tekton takes ${field} of a task only with enable-api-fields: alpha`);
  }
  checkDuration(fields.timeout, [...at, 'timeout'], findings);
  const onError = textIn(fields.onError);
  if (onError !== '' && !onError.startsWith('$(params')) {
    if (onError !== 'continue' && onError !== 'stopAndFail') {
      findings.error([...at, 'onError'], `onError of task ${name} must be continue or stopAndFail, but is ${onError}`);
    } else if (onError === 'continue' && Number(fields.retries ?? 0) > 0) {
      findings.error([...at, 'onError'], `task ${name} cannot have retries and onError: continue`);
    }
  }
  checkGiven(fields.params, [...at, 'params'], `task ${name}`, findings);
  checkMatrix(task, findings);
  checkWhen(fields.when, [...at, 'when'], findings);
  checkParamUse(task, known, findings);
  if (isCustom(task)) checkCustom(task, findings);
  else {
    checkRef(fields.taskRef, [...at, 'taskRef'], findings);
    if (isFields(fields.taskSpec)) checkEmbedded(task, fields.taskSpec, known, findings);
  }
}

function checkCustom({ at, name, fields }: Item, findings: Findings): void {
  for (const field of ['taskRef', 'taskSpec']) {
    if (!isGiven(fields[field])) continue;
    const { apiVersion, kind, steps } = fieldsIn(fields[field]);
    if (textIn(kind) === '') findings.error([...at, field], `the custom task ${name} has no kind`);
    if (!/^[^/]+\/[^/]+$/.test(textIn(apiVersion))) {
      const came = textIn(apiVersion) === '' ? 'nothing' : textIn(apiVersion);
      findings.error(
        [...at, field, 'apiVersion'],
        `the custom task ${name} needs an apiVersion GROUP/VERSION, but has ${came}`,
      );
    }
    if (Array.isArray(steps) && steps.length > 0) {
      findings.error([...at, field], `task ${name} has steps: expected no apiVersion and no kind beside them`);
    }
  }
}

function checkEmbedded(task: Item, taskSpec: Item['fields'], known: Known, findings: Findings): void {
  const owner = `the Task of ${task.name}`;
  const spec: Item = { at: [...task.at, 'taskSpec'], index: 0, name: '', fields: taskSpec };
  checkTask(spec, owner, findings);
  const given = givenIn(task.fields.params);
  const scope = inner(known.scope, declaredIn(taskSpec.params), given);
  const webhook = known.webhook;
  checkTaskParams(spec, { scope, webhook }, owner, findings);
  const { fanned, included } = matrixParams(task.fields.matrix, []);
  checkFit(
    { params: itemsOf(task.fields.params, [...task.at, 'params']), at: task.at, who: `task ${task.name}` },
    { params: taskSpec.params, whose: 'its Task' },
    // Tekton hands a run's params on to a Task that declares them too only where the run or Pipeline has the same name.
    { mayRefer: true, others: new Set([...fanned, ...included].map(({ name }) => name)) },
    findings,
  );
}

/** What steps see: the Task's own params; those that its pipeline task gives; those of the Pipeline and the run. */
function inner(outer: Scope, declared: Scope, given: Scope): Scope {
  const scope = new Map([...outer, ...merged(declared, given)]);
  for (const [name, param] of given) {
    const above = outer.get(name);
    if (declared.has(name) || param.keys === undefined || above?.keys === undefined) continue;
    // Keys that are not given again stay those of the run.
    scope.set(name, { ...param, keys: new Set([...above.keys, ...param.keys]) });
  }
  return scope;
}

/** Texts of a pipeline task that may ask for params of the Pipeline. */
function checkParamUse({ at, fields }: Item, known: Known, findings: Findings): void {
  for (const { at: place, fields: param } of itemsOf(fields.params, [...at, 'params'])) {
    const value = [...place, 'value'];
    for (const text of textsOfValue(param.value, value)) {
      const form = typeof param.value === 'string' ? 'value' : Array.isArray(param.value) ? 'element' : 'text';
      checkParams(text.text, text.at, form, known, findings);
    }
  }
  if (isMatrixed(fields.matrix)) {
    const { fanned, included } = matrixParams(fields.matrix, [...at, 'matrix']);
    for (const { at: place, fields: param } of fanned) {
      const isText = typeof param.value === 'string';
      for (const text of textsOfValue(param.value, [...place, 'value'])) {
        // The webhook looks only into lists here.
        checkParams(
          text.text,
          text.at,
          isText ? 'value' : 'element',
          isText ? { ...known, webhook: undefined } : known,
          findings,
        );
      }
    }
    for (const { at: place, fields: param } of included) {
      checkParams(textIn(param.value), [...place, 'value'], 'text', known, findings);
    }
  }
  for (const { at: place, fields: when } of itemsOf(fields.when, [...at, 'when'])) {
    checkParams(textIn(when.input), [...place, 'input'], 'text', known, findings);
    for (const text of textsOfValue(when.values, [...place, 'values'])) {
      checkParams(text.text, text.at, text.text.endsWith('[*])') ? 'element' : 'text', known, findings);
    }
  }
  const elsewhere = { ...known, webhook: undefined };
  // Each combination of a matrix has a displayName of its own.
  const { fanned, included } = matrixParams(fields.matrix, []);
  const one: KnownParam = { type: 'string', keys: undefined, length: undefined };
  const combined = new Map([...known.scope, ...[...fanned, ...included].map(({ name }) => [name, one] as const)]);
  checkParams(textIn(fields.displayName), [...at, 'displayName'], 'text', { ...elsewhere, scope: combined }, findings);
  for (const { at: place, fields: workspace } of itemsOf(fields.workspaces, [...at, 'workspaces'])) {
    checkParams(textIn(workspace.subPath), [...place, 'subPath'], 'text', elsewhere, findings);
  }
  for (const { at: place, fields: param } of itemsOf(fieldsIn(fields.taskRef).params, [...at, 'taskRef', 'params'])) {
    for (const text of textsOfValue(param.value, [...place, 'value'])) {
      checkParams(text.text, text.at, 'value', elsewhere, findings);
    }
  }
}

function paramNames({ fields }: Item): string[] {
  const declared = itemsOf(fieldsIn(fields.taskSpec).params, []);
  return [...itemsOf(fields.params, []), ...declared].map(({ name }) => name);
}
