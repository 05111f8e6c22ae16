import { invalid } from '../errors.ts';
import { describe, type Fields, isFields } from '../shape.ts';
import { decode } from '../tekton/decode.ts';
import type { Kind } from '../tekton/shapes.ts';
import { toV1, withoutBundles } from '../tekton/v1beta1.ts';
import { lineIn, loadYaml, readYaml } from '../yaml/read.ts';

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
  /** As it is written; `object` is of v1 whatever this says (a StepAction of v1beta1). */
  apiVersion: string;
  kind: string;
  /** `metadata.name`, or `metadata.generateName`, or ''. */
  name: string;
  object: Fields;
  /** 1-based line of a field, or of the nearest field above it that the document has. Costs a second parse: for errors only. */
  lineOf(path: FieldPath): number;
}

/** A file is not read past this: the API server takes no larger object (etcd's limit is 1.5 MB), and one file holds some. */
export const maxFileBytes = 16 * 1024 * 1024;

const kinds: Readonly<Record<string, readonly string[]>> = {
  PipelineRun: ['v1', 'v1beta1'],
  Pipeline: ['v1', 'v1beta1'],
  Task: ['v1', 'v1beta1'],
  StepAction: ['v1', 'v1beta1', 'v1alpha1'],
};

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kinds, kind);
}

/**
 * The Tekton objects of a YAML text, read as Tekton's types and converted to v1. Other Kubernetes objects, and documents that are
 * none, are passed over: a `.tekton` folder may hold them.
 *
 * @throws SubpipeError `INVALID` that names file, document and line, for YAML that cannot be read, or a Tekton object whose fields are not
 * what Tekton's types say.
 */
export async function readDocuments(text: string, file: string): Promise<Document[]> {
  const documents: Document[] = [];
  if (/^\s*[{[]/.test(text)) await loadYaml(); // JSON is read without it, but has lines as well
  const values = await readYaml(text, file);
  const several = values.filter(({ value }) => value !== null).length > 1;
  for (const { value, index, line } of values) {
    if (!isFields(value) || typeof value.kind !== 'string' || !isKind(value.kind)) continue;
    const where = (at: number) => `${file}, ${several ? `document ${index}, ` : ''}line ${at}`;
    const lineOf = (path: FieldPath) => lineIn(text, index, path);
    const version = versionOf(value, value.kind, where, lineOf);
    if (version === undefined) continue;
    const decoded = decode(value, value.kind);
    if ('fault' in decoded) {
      throw invalid(`${where(lineOf(decoded.fault.path))}: ${value.kind} ${decoded.fault.message}`);
    }
    const object = version === 'v1' ? withoutBundles(decoded.object, value.kind) : toV1(decoded.object, value.kind);
    const metadata = isFields(object.metadata) ? object.metadata : {};
    const name = metadata.name || metadata.generateName;
    documents.push({
      file,
      index,
      line,
      where: where(line),
      apiVersion: `tekton.dev/${version}`,
      kind: value.kind,
      name: typeof name === 'string' ? name : '',
      object,
      lineOf,
    });
  }
  return documents;
}

function versionOf(
  value: Fields,
  kind: Kind,
  where: (line: number) => string,
  lineOf: (path: FieldPath) => number,
): string | undefined {
  const known = kinds[kind] ?? [];
  if (typeof value.apiVersion !== 'string') {
    throw invalid(`${where(lineOf(['kind']))}: ${kind} has ${describe(value.apiVersion)} as its apiVersion`, {
      hint: `Expected tekton.dev/${known[0]}.`,
    });
  }
  const [group, version = ''] = value.apiVersion.split('/');
  if (group !== 'tekton.dev') return undefined;
  if (known.includes(version)) return version;
  throw invalid(
    `${where(lineOf(['apiVersion']))}: ${kind} has the apiVersion ${value.apiVersion}: expected tekton.dev/${known[0]} or tekton.dev/${known[1]}`,
  );
}

/** A file's bytes as text. @throws SubpipeError `INVALID` for what is too large, or not UTF-8, with the line. */
export function textOfBytes(bytes: Uint8Array, file: string): string {
  if (bytes.length > maxFileBytes) {
    throw invalid(`${file} is ${bytes.length} bytes long: expected at most ${maxFileBytes}`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  if (!text.includes('\uFFFD')) return text;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    decoder.decode(bytes);
    return text;
  } catch {
    const line = text.slice(0, text.indexOf('\uFFFD')).split(/\r\n|\r|\n/).length;
    throw invalid(`${file}, line ${line} is not UTF-8 text: save the file as UTF-8`);
  }
}
