import { invalid } from '../errors.ts';
import { type Fields, isFields } from '../shape.ts';
import { prefix } from './annotations.ts';
import type { Document } from './document.ts';

/** Pipelines-as-Code's label and annotation with the name that a PipelineRun has in the repository. */
export const originalName = `${prefix}original-prname`;

/** @throws SubpipeError `INVALID` where two PipelineRuns have the same name or generateName. */
export function checkNames(runs: readonly Document[]): void {
  const seen = new Map<string, Document>();
  for (const run of runs) {
    const metadata = isFields(run.object.metadata) ? run.object.metadata : {};
    for (const field of ['name', 'generateName']) {
      const name = metadata[field];
      if (typeof name !== 'string' || name === '') continue;
      const first = seen.get(name);
      if (first !== undefined) {
        throw invalid(
          `found multiple pipelinerun in .tekton with the same ${field}: ${name}, please update: ${first.where}, and ${run.where}`,
        );
      }
      seen.set(name, run);
    }
  }
}

/**
 * A PipelineRun's object with its label and annotation, no namespace, and its name as generateName, so that each run is another.
 * A generateName that is there stays.
 */
export function named(run: Document, generate: boolean): Fields {
  const { namespace: _namespace, ...metadata } = isFields(run.object.metadata) ? run.object.metadata : {};
  const labels = isFields(metadata.labels) ? metadata.labels : {};
  const annotations = isFields(metadata.annotations) ? metadata.annotations : {};
  const named: Fields = {
    ...metadata,
    labels: { ...labels, [originalName]: labelValue(run.name) },
    annotations: { ...annotations, [originalName]: run.name },
  };
  if (generate && (named.generateName === undefined || named.generateName === '')) {
    named.generateName = `${typeof named.name === 'string' ? named.name : ''}-`;
    delete named.name;
  }
  return { ...run.object, apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata: named };
}

/** A text as a label's value, the way Pipelines-as-Code cleans it: its last 62 bytes, and characters replaced. */
export function labelValue(text: string): string {
  const bytes = Buffer.from(text);
  const short = bytes.length >= 63 ? bytes.subarray(bytes.length - 62).toString() : text;
  return short
    .replace(/[ \-_[\]]+$/, '')
    .replace(/^[ \-_[\]]+/, '')
    .replace(/[:/]/g, '-')
    .replaceAll(' ', '_')
    .replace(/[[\]]/g, '__')
    .trim();
}
