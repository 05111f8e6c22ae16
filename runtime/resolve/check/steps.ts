import path from 'node:path';
import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { didYouMean, isLabel, labelRule } from './names.ts';
import { checkRef } from './refs.ts';
import { stepTexts } from './texts.ts';
import { checkPositive } from './times.ts';
import { checkNames } from './usage.ts';
import { fieldsIn, type Item, isGiven, itemsOf, repeated, textIn } from './values.ts';
import { checkWhen } from './when.ts';

/** The steps and sidecars of a TaskSpec (docs/tasks.md, Defining Steps). `owner`: `the Task of build`. */
export function checkSteps(spec: Item, owner: string, findings: Findings): void {
  const steps = itemsOf(spec.fields.steps, [...spec.at, 'steps']);
  if (steps.length === 0) findings.error(spec.at, `${owner} has no steps`);
  for (const { at, name } of repeated(steps)) {
    if (name !== '') findings.error([...at, 'name'], `${owner} has two steps of the name ${name}`);
  }
  const template = fieldsIn(spec.fields.stepTemplate);
  const results = itemsOf(spec.fields.results, []).map(({ name }) => name);
  for (const step of steps) {
    checkStep(step, template, owner, findings);
    const refuse = (at: FieldPath, message: string): void => findings.error(at, `${owner}: ${message}`);
    const script = textIn(step.fields.script);
    checkNames(script, [...step.at, 'script'], 'results', results, refuse);
    for (const { at, text } of stepTexts(step)) {
      checkNames(text, at, 'context.taskRun', ['name', 'namespace', 'uid'], refuse);
      checkNames(text, at, 'context.task', ['name', 'retry-count'], refuse);
    }
    if (Array.isArray(step.fields.results) && !isGiven(step.fields.ref)) {
      const own = itemsOf(step.fields.results, []).map(({ name }) => name);
      checkNames(script, [...step.at, 'script'], 'step.results', own, refuse);
    }
  }
  for (const sidecar of itemsOf(spec.fields.sidecars, [...spec.at, 'sidecars'])) checkSidecar(sidecar, owner, findings);
  checkWorkspaceUse(spec, steps, owner, findings);
}

function checkStep(
  { at, index, name, fields }: Item,
  template: Item['fields'],
  owner: string,
  findings: Findings,
): void {
  const title = `step ${name || index + 1} of ${owner}`;
  if (isGiven(fields.ref)) {
    checkRef(fields.ref, [...at, 'ref'], findings);
    for (const field of ['image', 'command', 'args', 'script', 'workingDir', 'env', 'volumeMounts', 'results']) {
      const value = fields[field];
      const isEmpty = value === '' || (field !== 'env' && Array.isArray(value) && value.length === 0);
      if (isGiven(value) && !isEmpty) findings.error([...at, field], `${title} has a ref: ${field} comes from there`);
    }
  } else {
    if (Array.isArray(fields.params) && fields.params.length > 0) {
      findings.error([...at, 'params'], `${title} has params, but no ref that takes them`);
    }
    if (textIn(fields.image) === '' && textIn(template.image) === '') findings.error(at, `${title} has no image`);
    const command = Array.isArray(fields.command) && fields.command.length > 0 ? fields.command : template.command;
    if (textIn(fields.script) !== '' && Array.isArray(command) && command.length > 0) {
      findings.error([...at, 'script'], `${title} must have either a script or a command, but has both`);
    }
  }
  if (name !== '' && !isLabel(name)) {
    findings.error([...at, 'name'], `${JSON.stringify(name)} cannot be the name of a step: expected ${labelRule}`);
  }
  checkPositive(fields.timeout, [...at, 'timeout'], findings);
  checkWhen(fields.when, [...at, 'when'], findings);
  const onError = textIn(fields.onError);
  if (onError !== '' && !onError.startsWith('$(params') && onError !== 'continue' && onError !== 'stopAndFail') {
    findings.error([...at, 'onError'], `onError of ${title} must be continue or stopAndFail, but is ${onError}`);
  }
  for (const { at: place, name: volume, fields: mount } of itemsOf(fields.volumeMounts, [...at, 'volumeMounts'])) {
    const folder = path.posix.normalize(textIn(mount.mountPath));
    if (folder.startsWith('/tekton/') && !folder.startsWith('/tekton/home')) {
      findings.error([...place, 'mountPath'], `${title} must not mount anything at ${folder}: it is Tekton's`);
    }
    if (volume.startsWith('tekton-internal-')) {
      findings.error([...place, 'name'], `${title} must not mount ${volume}: it is Tekton's`);
    }
  }
  checkResultNames(fields.results, [...at, 'results'], title, findings);
  checkVariables({ at, index, name, fields }, title, findings);
}

function checkVariables(step: Item, title: string, findings: Findings): void {
  for (const { at, text, field } of stepTexts(step)) {
    if (!['env', 'command', 'args', 'valueFrom'].includes(field) && /\$\(steps\..*?\.results\..*?\)/.test(text)) {
      findings.error(at, `${title} asks for a result of another step: that is possible in env, command and args only`);
    }
    if (/\$\((steps|tasks)\.[^.]+\.(inputs|outputs)\.[^.)]+\)|\$\((step\.)?artifacts\.path\)/.test(text)) {
      findings.warning(at, `${title} uses artifacts: Tekton takes them only with enable-artifacts`);
    }
  }
  for (const field of ['stdoutConfig', 'stderrConfig']) {
    if (!isGiven(step.fields[field])) continue;
    findings.warning([...step.at, field], `Tekton takes ${field} only with enable-api-fields: alpha`);
  }
  if (textIn(step.fields.script).trim().startsWith('#!win')) {
    findings.warning([...step.at, 'script'], 'Tekton takes scripts for Windows only with enable-api-fields: alpha');
  }
}

function checkSidecar({ at, index, name, fields }: Item, owner: string, findings: Findings): void {
  const title = `sidecar ${name || index + 1} of ${owner}`;
  if (name === 'tekton-log-results') findings.error([...at, 'name'], `${title} has a name that is Tekton's`);
  if (textIn(fields.image) === '') findings.error(at, `${title} has no image`);
  if (textIn(fields.script) !== '' && Array.isArray(fields.command) && fields.command.length > 0) {
    findings.error([...at, 'script'], `${title} must have either a script or a command, but has both`);
  }
}

/** Workspaces that steps and sidecars take for themselves (docs/workspaces.md, Isolated Workspaces). */
function checkWorkspaceUse(spec: Item, steps: readonly Item[], owner: string, findings: Findings): void {
  const declared = itemsOf(spec.fields.workspaces, []).map(({ name }) => name);
  for (const { at, fields } of [...steps, ...itemsOf(spec.fields.sidecars, [...spec.at, 'sidecars'])]) {
    for (const { at: place, name } of itemsOf(fields.workspaces, [...at, 'workspaces'])) {
      if (declared.includes(name)) continue;
      findings.error(place, `${owner} declares no workspace ${name}${didYouMean(name, declared)}`);
    }
  }
}

/** Declared results of a Task or a step (docs/tasks.md, Emitting Results). */
export function checkResultNames(results: unknown, at: FieldPath, owner: string, findings: Findings): void {
  for (const { at: place, name, fields } of itemsOf(results, at)) {
    if (!/^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name)) {
      findings.error(place, `${JSON.stringify(name)} cannot be the name of a result of ${owner}`);
      continue;
    }
    const type = textIn(fields.type);
    if (!['', 'string', 'array', 'object'].includes(type)) {
      findings.error(
        [...place, 'type'],
        `result ${name} of ${owner} must be of the type string, array or object, but is ${type}`,
      );
    }
    if (type !== 'object') continue;
    // Where there are properties the webhook has given the type already, so only a written one can lack them.
    if (!isGiven(fields.properties)) {
      findings.error(place, `result ${name} of ${owner} is an object: expected its keys in properties`);
    }
    for (const [key, property] of Object.entries(fieldsIn(fields.properties))) {
      const of = textIn(fieldsIn(property).type);
      if (of === '' || of === 'string') continue;
      findings.error(
        [...place, 'properties', key],
        `the key ${key} of result ${name} must be of the type string, but is ${of}`,
      );
    }
  }
}
