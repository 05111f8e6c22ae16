import { invalid } from '../errors.ts';
import { isFields } from '../shape.ts';
import type { Document } from './document.ts';

/** The API group of Pipelines-as-Code. */
export const group = 'pipelinesascode.tekton.dev';
/** What the annotations that a PipelineRun is resolved and selected by begin with. */
export const prefix = `${group}/`;

/** An annotation that names remote Tasks or a Pipeline. */
export interface RemoteAnnotation {
  key: string;
  /** What it names, in order. */
  words: string[];
}

/** Annotations of a document's object. */
export function annotationsOf(document: Document): Readonly<Record<string, unknown>> {
  const { metadata } = document.object;
  return isFields(metadata) && isFields(metadata.annotations) ? metadata.annotations : {};
}

/**
 * The annotations `task`, `task-1`, `task-2`… in the order of their numbers.
 * @throws SubpipeError `INVALID` that names document and annotation.
 */
export function taskAnnotations(document: Document): RemoteAnnotation[] {
  const found: { order: number; key: string; value: unknown }[] = [];
  for (const [key, value] of Object.entries(annotationsOf(document))) {
    const number = /^task(?:-(\d+))?$/.exec(key.startsWith(prefix) ? key.slice(prefix.length) : '');
    if (number !== null) found.push({ order: number[1] === undefined ? -1 : Number(number[1]), key, value });
  }
  found.sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
  return found.map(({ key, value }) => ({ key, words: words(document, key, value) }));
}

/**
 * The one Pipeline that the annotation `pipeline` names, if there is one.
 * @throws SubpipeError `INVALID` where it names more.
 */
export function pipelineAnnotation(document: Document): { key: string; word: string } | undefined {
  const key = `${prefix}pipeline`;
  const value = annotationsOf(document)[key];
  if (value === undefined) return undefined;
  const [word = '', ...more] = words(document, key, value);
  if (more.length > 0) {
    throw refused(document, key, `must name one Pipeline, but names ${more.length + 1}: ${[word, ...more].join(', ')}`);
  }
  return { key, word };
}

/** A word, or a list in brackets; `&#44;` stands for a comma in a word. */
function words(document: Document, key: string, value: unknown): string[] {
  const text = typeof value === 'string' ? value.trim() : '';
  const listed = text.startsWith('[');
  if (listed ? !text.endsWith(']') : /[[\]\s]/.test(text)) {
    throw refused(
      document,
      key,
      `must be a name, a path or a URL, or several as [a, b], but is ${JSON.stringify(text)}`,
    );
  }
  const found = (listed ? text.slice(1, -1).split(',') : [text]).map((word) => word.trim().replaceAll('&#44;', ','));
  if (found.some((word) => word === ''))
    throw refused(document, key, `is ${JSON.stringify(text)}: it names nothing between two commas, or nothing at all`);
  return found;
}

function refused(document: Document, key: string, why: string): Error {
  const line = document.lineOf(['metadata', 'annotations', key]);
  return invalid(
    `${document.file}, line ${line}: the annotation ${key} of the ${document.kind} ${document.name} ${why}`,
  );
}
