import { prefix } from '../annotations.ts';
import type { Candidate, Matching } from './annotations.ts';

/** What one annotation says about an event. */
export interface Reason {
  /** Without its prefix; `name` for a run that was asked for by name, `event` for what holds for all runs. */
  annotation: Matching | 'target-namespace' | 'max-keep-runs' | 'name' | 'event';
  /** As written. */
  value: string;
  /** `ignored`: something else decides, `note`: passed through. */
  outcome: 'yes' | 'no' | 'ignored' | 'invalid' | 'note';
  /** One line. */
  why: string;
}

/** Whether Pipelines-as-Code would start a PipelineRun for an event, and why. */
export interface Verdict {
  run: Candidate;
  selected: boolean;
  reasons: readonly Reason[];
  /** Such as annotations that a CEL expression overrules. */
  warnings: readonly string[];
  /** An annotation that cannot be read. Of a list: Pipelines-as-Code starts nothing at all then. */
  invalid: string | undefined;
  /** `max-keep-runs`, as written. */
  maxKeepRuns: string | undefined;
}

export function reason(
  annotation: Reason['annotation'],
  value: string,
  outcome: Reason['outcome'],
  why: string,
): Reason {
  return { annotation, value, outcome, why };
}

/** A verdict; `max-keep-runs` of the run is passed through and noted. */
export function verdict(
  run: Candidate,
  selected: boolean,
  reasons: readonly Reason[],
  more: { warnings?: readonly string[]; invalid?: string | undefined } = {},
): Verdict {
  const maxKeepRuns = run.annotations[`${prefix}max-keep-runs`];
  const note = maxKeepRuns === undefined ? [] : [reason('max-keep-runs', maxKeepRuns, 'note', 'passed through')];
  return {
    run,
    selected,
    reasons: [...reasons, ...note],
    warnings: more.warnings ?? [],
    invalid: more.invalid,
    maxKeepRuns,
  };
}

/** Verdicts as text: one line a PipelineRun, one indented line a reason. */
export function explainVerdicts(verdicts: readonly Verdict[]): string {
  const lines: string[] = [];
  for (const { run, selected, reasons, warnings } of verdicts) {
    lines.push(`${selected ? 'yes' : 'no '}  ${run.name}`);
    for (const reason of reasons) {
      const of = reason.value === '' ? reason.annotation : `${reason.annotation}: ${oneLine(reason.value)}`;
      lines.push(`       ${reason.outcome.padEnd(7)}  ${of}  (${reason.why})`);
    }
    for (const warning of warnings) lines.push(`       warning  ${warning}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
