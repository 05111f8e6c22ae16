import type { Fields } from '../shape.ts';

/** A path into a YAML document: `['spec', 'tasks', 0, 'taskRef']`. */
export type FieldPath = readonly (string | number)[];

/** A Kubernetes object of a YAML text, and where it stands. */
export interface Document {
  /** The file relative to the repository's root, or the URL it was fetched from. */
  file: string;
  /** 1-based, as people count the documents of a file. */
  index: number;
  /** 1-based line of the document's first line with content. */
  line: number;
  /** For errors: `FILE, line 14`, with the document's number where the file holds several. */
  where: string;
  apiVersion: string;
  kind: string;
  /** `metadata.name`, or `metadata.generateName`, or ''. */
  name: string;
  object: Fields;
  /** 1-based line of a field, or of the nearest field above it that the document has. Costs a second parse: for errors only. */
  lineOf(path: FieldPath): number;
}
