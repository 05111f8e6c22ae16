import { parseDuration } from '../../duration.ts';
import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { fieldsIn } from './values.ts';

/** Ms of a duration, where it is one; says so where it is none. Go's durations have a sign. */
export function checkDuration(value: unknown, at: FieldPath, findings: Findings): number | undefined {
  if (typeof value !== 'string') return undefined;
  const sign = /^[+-]/.exec(value)?.[0];
  try {
    const ms = parseDuration(sign === undefined ? value : value.slice(1), String(at.at(-1)));
    return sign === '-' ? -ms : ms;
  } catch {
    findings.error(
      at,
      `${String(at.at(-1))} must be a duration such as 90s, 10m or 1h30m, but is ${JSON.stringify(value)}`,
    );
    return undefined;
  }
}

/** A duration that is not below zero. */
export function checkPositive(value: unknown, at: FieldPath, findings: Findings): number | undefined {
  const ms = checkDuration(value, at, findings);
  if (ms !== undefined && ms < 0)
    findings.error(at, `${String(at.at(-1))} must not be below 0, but is ${String(value)}`);
  return ms;
}

/** Tekton's default, of which nobody knows what a cluster has made. */
const defaultMs = 3_600_000;

/** `timeouts` of a run (docs/pipelineruns.md, Configuring a failure timeout), and what a single task may have of it. */
export function checkTimeouts(value: unknown, at: FieldPath, findings: Findings): { task: number; isDefault: boolean } {
  const timeouts = fieldsIn(value);
  const [pipeline, tasks, last] = ['pipeline', 'tasks', 'finally'].map((field) =>
    checkPositive(timeouts[field], [...at, field], findings),
  );
  const isDefault = pipeline === undefined;
  const all = pipeline ?? defaultMs;
  // Without a limit of the run's own it depends on the cluster's.
  const complain = (field: string, message: string): void => {
    findings.error([...at, field], isDefault ? `${message} (Tekton's default is 1h; set timeouts.pipeline)` : message);
  };
  for (const [field, ms] of [['tasks', tasks] as const, ['finally', last] as const]) {
    if (ms === undefined || all === 0) continue;
    if (ms === 0) complain(field, `timeouts.${field} is 0, no limit, but timeouts.pipeline is one`);
    else if (ms > all) complain(field, `timeouts.${field} must not be longer than timeouts.pipeline`);
  }
  if (tasks !== undefined && last !== undefined && tasks + last > all) {
    complain('tasks', 'timeouts.tasks and timeouts.finally together must not be longer than timeouts.pipeline');
  }
  return { task: tasks ?? all, isDefault: isDefault && tasks === undefined };
}
