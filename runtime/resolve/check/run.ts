import { isFields } from '../../shape.ts';
import { resultReferences } from '../../tekton/variables.ts';
import type { Findings } from './findings.ts';
import { didYouMean, isObjectName, isQualifiedName } from './names.ts';
import { checkFit, checkGiven } from './params.ts';
import { checkPipeline } from './pipeline.ts';
import { checkRef } from './refs.ts';
import { givenIn } from './scope.ts';
import { checkPositive, checkTimeouts } from './times.ts';
import { fieldsIn, type Item, isGiven, itemsOf, repeated, textIn, textsOfValue } from './values.ts';
import { checkBindings, checkDeclared } from './workspaces.ts';

/** A PipelineRun by Tekton's rules (docs/pipelineruns.md). */
export function checkRun(run: Item['fields'], findings: Findings): void {
  checkMetadata(fieldsIn(run.metadata), findings);
  const spec = fieldsIn(run.spec);
  const isOne = isGiven(spec.pipelineRef) !== isGiven(spec.pipelineSpec);
  if (!isOne) {
    const came = isGiven(spec.pipelineRef) ? 'has both' : 'has neither';
    findings.error(['spec'], `the PipelineRun must have either pipelineRef or pipelineSpec, but ${came}`);
  }
  checkRef(spec.pipelineRef, ['spec', 'pipelineRef'], findings);
  checkRunParams(spec, findings);
  checkBindings(spec.workspaces, ['spec', 'workspaces'], findings);
  checkTaskRunSpecs(spec, findings);
  const states = ['', 'Cancelled', 'CancelledRunFinally', 'StoppedRunFinally', 'PipelineRunPending'];
  if (!states.includes(textIn(spec.status))) {
    findings.error(
      ['spec', 'status'],
      `status must be one of ${states.slice(1).join(', ')}, but is ${textIn(spec.status)}`,
    );
  }
  if (!isFields(spec.pipelineSpec)) return;
  const pipeline: Item = { at: ['spec', 'pipelineSpec'], index: 0, name: '', fields: spec.pipelineSpec };
  const bound = new Set(itemsOf(spec.workspaces, []).map(({ name }) => name));
  const params = itemsOf(spec.params, ['spec', 'params']);
  checkFit(
    { params, at: isGiven(spec.params) ? ['spec', 'params'] : ['spec'], who: 'the run' },
    { params: pipeline.fields.params, whose: 'its Pipeline' },
    { mayRefer: false, others: new Set() },
    findings,
  );
  checkDeclared(pipeline, { bound, at: isGiven(spec.workspaces) ? ['spec', 'workspaces'] : ['spec'] }, findings);
  checkPipeline(pipeline, { params: givenIn(spec.params), bound }, findings);
}

/** What the API server and Tekton want of names and labels (Kubernetes docs, Object Names and IDs; Labels and Selectors). */
function checkMetadata(metadata: Item['fields'], findings: Findings): void {
  const name = textIn(metadata.name);
  const prefix = textIn(metadata.generateName);
  const rule = 'lower case letters, digits, - and ., at most 63';
  if (name === '' && prefix === '')
    findings.error(['metadata'], 'the PipelineRun has neither a name nor a generateName');
  else if (name !== '' && !isObjectName(name)) {
    findings.error(
      ['metadata', 'name'],
      `${JSON.stringify(name)} cannot be the name of a PipelineRun: expected ${rule}`,
    );
  } else if (name === '' && !isObjectName(`${prefix.slice(0, 58)}abcde`)) {
    findings.error(['metadata', 'generateName'], `${JSON.stringify(prefix)} cannot begin a name: expected ${rule}`);
  }
  for (const [key, value] of Object.entries(fieldsIn(metadata.labels))) {
    const at = ['metadata', 'labels', key];
    if (!isQualifiedName(key)) findings.error(at, `${JSON.stringify(key)} cannot be the name of a label`);
    if (
      typeof value === 'string' &&
      value !== '' &&
      !/^(?=.{1,63}$)([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(value)
    ) {
      findings.error(
        at,
        `the label ${key} must have at most 63 letters, digits, -, _ and ., but is ${JSON.stringify(value)}`,
      );
    }
  }
  for (const key of Object.keys(fieldsIn(metadata.annotations))) {
    if (isQualifiedName(key.toLowerCase())) continue;
    findings.error(['metadata', 'annotations', key], `${JSON.stringify(key)} cannot be the name of an annotation`);
  }
}

function checkRunParams(spec: Item['fields'], findings: Findings): void {
  checkGiven(spec.params, ['spec', 'params'], 'the run', findings, { ignoresCase: true });
  for (const { at, name, fields } of itemsOf(spec.params, ['spec', 'params'])) {
    for (const { at: place, text } of textsOfValue(fields.value, [...at, 'value'])) {
      for (const { text: written } of resultReferences(text)) {
        findings.error(place, `the param ${name} of the run asks for ${written}, but no task has run before it`);
      }
    }
  }
}

/** `taskRunSpecs` (docs/pipelineruns.md, Specifying taskRunSpecs). */
function checkTaskRunSpecs(spec: Item['fields'], findings: Findings): void {
  const limit = checkTimeouts(spec.timeouts, ['spec', 'timeouts'], findings);
  const pipeline = fieldsIn(spec.pipelineSpec);
  const names = [...itemsOf(pipeline.tasks, []), ...itemsOf(pipeline.finally, [])].map(({ name }) => name);
  for (const { at, fields } of itemsOf(spec.taskRunSpecs, ['spec', 'taskRunSpecs'])) {
    const name = textIn(fields.pipelineTaskName);
    if (isFields(spec.pipelineSpec) && !names.includes(name)) {
      findings.error(
        at,
        `taskRunSpecs names the task ${name || '""'}, which the Pipeline lacks${didYouMean(name, names)}`,
      );
    }
    const ms = checkPositive(fields.timeout, [...at, 'timeout'], findings);
    if (ms !== undefined && limit.task !== 0 && ms > limit.task) {
      const of = limit.isDefault ? "Tekton's default of 1h" : "the run's timeouts";
      findings.error([...at, 'timeout'], `the timeout of task ${name} must not be longer than ${of}`);
    }
    for (const list of ['stepSpecs', 'sidecarSpecs']) {
      const items = itemsOf(fields[list], [...at, list]);
      for (const item of items.filter((one) => one.name === ''))
        findings.error(item.at, `an entry of ${list} has no name`);
      for (const { at: second, name: twice } of repeated(items)) {
        if (twice !== '') findings.error(second, `${list} names ${twice} twice`);
      }
      if (list !== 'stepSpecs' || !isGiven(fields.computeResources)) continue;
      if (items.some((item) => Object.keys(fieldsIn(item.fields.computeResources)).length > 0)) {
        findings.error(
          [...at, 'computeResources'],
          'computeResources are given for the task and for its steps: expected one',
        );
      }
    }
  }
}
