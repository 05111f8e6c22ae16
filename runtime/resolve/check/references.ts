import { isFields } from '../../shape.ts';
import { expressionsIn, type ResultReference, resultReferences } from '../../tekton/variables.ts';
import type { FieldPath } from '../document.ts';
import { isCustom } from './custom.ts';
import type { Findings } from './findings.ts';
import { isMatrixed, matrixParams } from './matrix.ts';
import { didYouMean } from './names.ts';
import { stepTexts } from './texts.ts';
import { checkNames } from './usage.ts';
import { fieldsIn, type Item, isGiven, itemsOf, textIn, textsOfValue } from './values.ts';

/** A text of a pipeline task, with the field that it belongs to: Tekton looks at the variables of a field together. */
interface PlacedText {
  at: FieldPath;
  text: string;
}

export interface ResultUse {
  at: FieldPath;
  reference: ResultReference;
}

/** The texts of each param (and `matrix` param) of a pipeline task. */
function paramTexts({ at, fields }: Item): PlacedText[][] {
  const { fanned, included } = matrixParams(fields.matrix, [...at, 'matrix']);
  const all = [...itemsOf(fields.params, [...at, 'params']), ...fanned, ...included];
  return all.map(({ at: place, fields: param }) => textsOfValue(param.value, [...place, 'value']));
}

/** The texts of each `when` of a pipeline task. */
function whenTexts({ at, fields }: Item): PlacedText[][] {
  return itemsOf(fields.when, [...at, 'when']).map(({ at: place, fields: when }) => [
    { at: [...place, 'input'], text: textIn(when.input) },
    ...textsOfValue(when.values, [...place, 'values']),
  ]);
}

/** The results of other tasks that a pipeline task asks for, in its own fields and in its embedded steps. */
export function resultUses(task: Item): ResultUse[] {
  const spec = fieldsIn(task.fields.taskSpec);
  const inSteps = ['steps', 'sidecars'].flatMap((list) =>
    itemsOf(spec[list], [...task.at, 'taskSpec', list]).flatMap(stepTexts),
  );
  return [...paramTexts(task).flat(), ...whenTexts(task).flat(), ...inSteps].flatMap(usesIn);
}

function usesIn({ at, text }: PlacedText): ResultUse[] {
  return resultReferences(text).map((reference) => ({ at, reference }));
}

/** The variables of pipeline tasks (docs/variables.md, Variables Available in a Pipeline). */
export function checkVariables(tasks: readonly Item[], last: readonly Item[], findings: Findings): void {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  for (const task of [...tasks, ...last]) {
    const isLast = !tasks.includes(task);
    for (const { at, reference } of resultUses(task)) {
      // What a finally task must not ask for is told of there.
      if (isLast && !byName.has(reference.task)) continue;
      checkResult(reference, at, `task ${task.name}`, byName, findings);
    }
    for (const texts of [...paramTexts(task), ...whenTexts(task)]) {
      for (const { at, text } of texts) checkPrefixes(text, at, findings);
      checkStatus(task, texts, { isLast, names: [...byName.keys()] }, findings);
    }
    checkContext(task, task === tasks.at(-1) || task === last.at(-1), findings);
    if (!isLast) checkMatrixed(task, byName, findings);
  }
}

const prefixes = ['params', 'tasks', 'finally', 'context', 'workspaces', 'results'];

function checkPrefixes(text: string, at: FieldPath, findings: Findings): void {
  for (const expression of expressionsIn(text)) {
    const [prefix = ''] = expression.split('.');
    if (prefixes.includes(prefix)) continue;
    const shell = 'for a variable of the shell write ${VAR}';
    findings.error(
      at,
      `$(${expression}) is no variable of Tekton's: expected one of ${prefixes.join(', ')} (${shell})`,
    );
  }
}

function checkResult(
  { text, task, result }: ResultReference,
  at: FieldPath,
  who: string,
  tasks: ReadonlyMap<string, Item>,
  findings: Findings,
): void {
  const source = tasks.get(task);
  if (source === undefined) {
    findings.error(at, `${who} asks for ${text}, but there is no task ${task}${didYouMean(task, tasks.keys())}`);
    return;
  }
  if (isGiven(source.fields.pipelineRef) || isGiven(source.fields.pipelineSpec)) {
    findings.error(at, `${who} asks for ${text}, but ${task} is a Pipeline: Tekton does not hand on its results`);
    return;
  }
  const spec = source.fields.taskSpec;
  if (!isFields(spec) || isCustom(source)) return;
  const results = itemsOf(spec.results, []).map(({ name }) => name);
  if (results.includes(result)) return;
  const known = results.length === 0 ? 'its Task has none' : `its Task has ${results.join(', ')}`;
  findings.error(
    at,
    `${who} asks for ${text}, but ${task} has no result ${result}${didYouMean(result, results) || `: ${known}`}`,
  );
}

/** `$(tasks.status)`, `$(tasks.NAME.status)` and `.reason` are known only when all tasks have ended: in finally. */
function checkStatus(
  task: Item,
  texts: readonly PlacedText[],
  { isLast, names }: { isLast: boolean; names: readonly string[] },
  findings: Findings,
): void {
  // Tekton looks no further where the same field asks for a result.
  const hasResults = texts.some(({ text }) => resultReferences(text).length > 0);
  const complain = (at: FieldPath, message: string): void =>
    hasResults ? findings.warning(at, message) : findings.error(at, message);
  for (const { at, text } of texts) {
    for (const expression of expressionsIn(text)) {
      const name = /^tasks\.(?:(.*)\.)?(?:status|reason)$/.exec(expression);
      if (name === null || resultReferences(`$(${expression})`).length > 0) continue;
      const [, of] = name;
      if (!isLast) {
        complain(at, `task ${task.name} asks for $(${expression}): only tasks of finally can know how others ended`);
      } else if (expression !== 'tasks.status' && !names.includes(of ?? '')) {
        complain(at, `$(${expression}) names no task of the Pipeline${didYouMean(of ?? '', names)}`);
      }
    }
  }
}

/** Of all tasks Tekton's webhook looks only at the last one; the others' mistakes stay as they are written. */
function checkContext(task: Item, isRefused: boolean, findings: Findings): void {
  const complain = (at: FieldPath, message: string): void =>
    isRefused ? findings.error(at, message) : findings.warning(at, message);
  for (const { at, text } of paramTexts(task).flat()) {
    checkNames(text, at, 'context.pipelineRun', ['name', 'namespace', 'uid'], complain);
    checkNames(text, at, 'context.pipeline', ['name'], complain);
    checkNames(text, at, 'context.pipelineTask', ['retries'], complain);
  }
}

/** The results of a task with a matrix are lists (docs/matrix.md, Results from Matrixed Pipeline Tasks). */
function checkMatrixed(task: Item, tasks: ReadonlyMap<string, Item>, findings: Findings): void {
  for (const { at: place, fields } of itemsOf(task.fields.params, [...task.at, 'params'])) {
    for (const { at, reference } of textsOfValue(fields.value, [...place, 'value']).flatMap(usesIn)) {
      const source = tasks.get(reference.task);
      if (source === undefined || !isMatrixed(source.fields.matrix)) continue;
      if (reference.pick !== '*') {
        findings.error(at, `${reference.text} comes from a task with a matrix: expected all of it, with [*]`);
      }
      const results = itemsOf(fieldsIn(source.fields.taskSpec).results, []);
      const type = textIn(results.find(({ name }) => name === reference.result)?.fields.type);
      if (type !== '' && type !== 'string') {
        findings.error(
          at,
          `${reference.text} comes from a task with a matrix: its type must be string, but is ${type}`,
        );
      }
    }
  }
}

/** Tasks of finally (docs/pipelines.md, Adding Finally to the Pipeline). */
export function checkFinally(tasks: readonly Item[], last: readonly Item[], findings: Findings): void {
  const names = tasks.map(({ name }) => name);
  for (const task of last) {
    if (Array.isArray(task.fields.runAfter) && task.fields.runAfter.length > 0) {
      findings.error([...task.at, 'runAfter'], `task ${task.name} is in finally: expected no runAfter`);
    }
    for (const { at, reference } of resultUses(task)) {
      if (names.includes(reference.task)) continue;
      const isOther = last.some(({ name }) => name === reference.task);
      const why = isOther ? `${reference.task} is in finally too` : `there is no task ${reference.task}`;
      findings.error(
        at,
        `task ${task.name} asks for ${reference.text}, but ${why}${didYouMean(reference.task, names)}`,
      );
    }
  }
}

/** Results of the Pipeline (docs/pipelines.md, Emitting Results from a Pipeline). */
export function checkPipelineResults(
  spec: Item,
  tasks: readonly Item[],
  last: readonly Item[],
  findings: Findings,
): void {
  const byName = { tasks: new Map(tasks.map((t) => [t.name, t])), finally: new Map(last.map((t) => [t.name, t])) };
  for (const { at, name, fields } of itemsOf(spec.fields.results, [...spec.at, 'results'])) {
    const value = [...at, 'value'];
    const uses = textsOfValue(fields.value, value).flatMap(usesIn);
    if (uses.length === 0) {
      findings.error(
        value,
        `result ${name} of the Pipeline must hold results of tasks, such as $(tasks.NAME.results.NAME)`,
      );
    }
    for (const { at: place, reference } of uses) {
      checkResult(reference, place, `result ${name} of the Pipeline`, byName[reference.from], findings);
    }
  }
}
