import path from 'node:path';
import type { Findings } from './findings.ts';
import { isLabel } from './names.ts';
import { checkDeclarations, checkParamNames } from './params.ts';
import type { Scope } from './scope.ts';
import { checkResultNames, checkSteps } from './steps.ts';
import { stepTexts, textsUnder } from './texts.ts';
import { checkParams, type Known } from './usage.ts';
import { fieldsIn, type Item, isGiven, itemsOf, repeated, textIn } from './values.ts';

/** An embedded TaskSpec by itself (docs/tasks.md). `owner`: `the Task of build`. */
export function checkTask(spec: Item, owner: string, findings: Findings): void {
  const { at, fields } = spec;
  checkDeclarations(fields.params, [...at, 'params'], owner, findings);
  checkParamNames(fields.params, [...at, 'params'], findings);
  checkResultNames(fields.results, [...at, 'results'], owner, findings);
  checkResultValues(spec, owner, findings);
  checkSteps(spec, owner, findings);
  checkVolumes(spec, owner, findings);
  checkMounts(spec, owner, findings);
}

/** The params that its steps ask for. */
export function checkTaskParams(
  spec: Item,
  known: { scope: Scope; webhook: ReadonlySet<string> | undefined },
  owner: string,
  findings: Findings,
): void {
  const { at, fields } = spec;
  const steps = itemsOf(fields.steps, [...at, 'steps']);
  // The webhook looks into these fields of steps and no others.
  const watched = ['name', 'image', 'workingDir', 'script', 'onError', 'command', 'args', 'env', 'volumeMounts'];
  const elsewhere: Known = { scope: known.scope, webhook: undefined, owner };
  for (const step of steps) {
    for (const { at: place, text, field } of stepTexts(step)) {
      const isWatched = watched.includes(field);
      const form = field === 'command' || field === 'args' ? 'element' : 'text';
      checkParams(text, place, form, isWatched ? { ...known, owner } : elsewhere, findings);
    }
  }
  const rest = [
    ...itemsOf(fields.sidecars, [...at, 'sidecars']).flatMap(stepTexts),
    ...(isGiven(fields.stepTemplate)
      ? stepTexts({ at: [...at, 'stepTemplate'], fields: fieldsIn(fields.stepTemplate) })
      : []),
    ...textsUnder(fields.volumes, [...at, 'volumes'], 'volumes'),
  ];
  for (const { at: place, text, field } of rest) {
    checkParams(text, place, field === 'command' || field === 'args' ? 'element' : 'text', elsewhere, findings);
  }
}

/** A result may be that of a step: `$(steps.NAME.results.NAME)`. */
function checkResultValues({ at, fields }: Item, owner: string, findings: Findings): void {
  for (const { at: place, name, fields: result } of itemsOf(fields.results, [...at, 'results'])) {
    if (!isGiven(result.value) || result.value === '') continue;
    const match = /\$\(steps\.(.*?)\.results\.(.*?)\)/.exec(textIn(result.value));
    if (match !== null && isLabel(match[1] ?? '')) continue;
    const came = JSON.stringify(result.value);
    findings.error(
      [...place, 'value'],
      `result ${name} of ${owner} must be $(steps.STEP.results.RESULT), but is ${came}`,
    );
  }
}

function checkVolumes({ at, fields }: Item, owner: string, findings: Findings): void {
  const volumes = itemsOf(fields.volumes, [...at, 'volumes']);
  for (const { at: place, name } of repeated(volumes))
    findings.error(place, `${owner} has two volumes of the name ${name}`);
}

/** Workspaces have names and folders of their own. */
function checkMounts({ at, fields }: Item, owner: string, findings: Findings): void {
  const workspaces = itemsOf(fields.workspaces, [...at, 'workspaces']);
  for (const { at: place, name } of repeated(workspaces)) {
    findings.error(place, `${owner} declares the workspace ${name} twice`);
  }
  const template = { volumeMounts: fieldsIn(fields.stepTemplate).volumeMounts };
  const taken = new Set(
    [...itemsOf(fields.steps, []).map((step) => step.fields), template]
      .flatMap(({ volumeMounts }) => itemsOf(volumeMounts, []))
      .map((mount) => path.posix.normalize(textIn(mount.fields.mountPath))),
  );
  for (const { at: place, name, fields: workspace } of workspaces) {
    const folder = path.posix.normalize(textIn(workspace.mountPath) || `/workspace/${name}`);
    if (taken.has(folder))
      findings.error(place, `the workspace ${name} of ${owner} needs ${folder}, where something else is`);
    taken.add(folder);
  }
}
