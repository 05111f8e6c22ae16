import { invalid } from '../../errors.ts';
import { prefix } from '../annotations.ts';

/** The annotations that say when a PipelineRun starts, without the prefix, in the order in which they are asked. */
export const matching = [
  'on-event',
  'on-target-branch',
  'on-path-change',
  'on-label',
  'on-path-change-ignore',
  'on-comment',
  'on-cel-expression',
] as const;

export type Matching = (typeof matching)[number];

/** A PipelineRun, as far as selection is concerned. */
export interface Candidate {
  /** `metadata.name` or `metadata.generateName`. */
  name: string;
  annotations: Readonly<Record<string, string>>;
}

/**
 * The values of an annotation: one word, or a list in brackets, where `&#44;` is a comma within a value.
 * @throws SubpipeError `INVALID` where it is neither, or an empty list.
 */
export function annotationValues(annotation: Matching, text: string): readonly string[] {
  const value = text.trim();
  const list = /^\[(.*)\]$/.exec(value)?.[1];
  if (list === undefined && /[[\]\s]/.test(value)) {
    throw invalid(
      `the annotation ${prefix}${annotation} must be a word or a list such as "[main, release-*]", but is ${JSON.stringify(value)}`,
    );
  }
  if (list === undefined) return [comma(value)];
  const values = list.split(',').map((entry) => comma(entry).trim());
  if (values[0] === '') {
    throw invalid(`the annotation ${prefix}${annotation} is a list without a first value: ${JSON.stringify(value)}`);
  }
  return values;
}

function comma(value: string): string {
  return value.replaceAll('&#44;', ',');
}
