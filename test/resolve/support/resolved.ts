import type { Document } from '../../../runtime/resolve/document.ts';
import type { Piece, ResolvedRun } from '../../../runtime/resolve/resolved.ts';
import { type Fields, fieldsOf, isFields } from '../../../runtime/shape.ts';
import type { PipelineRun } from '../../../runtime/tekton/types.ts';
import { lineIn, readYaml } from '../../../runtime/yaml/read.ts';

/**
 * The PipelineRuns of a YAML text with the Pipelines and Tasks of the same text in them: enough for tests of what is done
 * with a resolved run. What is not in the text stays as it is.
 */
export async function resolvedRuns(text: string, file = 'run.yaml'): Promise<ResolvedRun[]> {
  const documents = (await readYaml(text, file)).flatMap((read) =>
    isFields(read.value) ? [documentOf(text, file, read)] : [],
  );
  const find = (kind: string, name: unknown): Document | undefined =>
    documents.find((one) => one.kind === kind && one.name === name);
  return documents
    .filter(({ kind, apiVersion }) => kind === 'PipelineRun' && apiVersion === 'tekton.dev/v1')
    .map((origin) => {
      const run = structuredClone(origin.object);
      const pieces: Piece[] = [{ at: [], document: origin, from: [] }];
      const spec = isFields(run.spec) ? run.spec : {};
      const pipeline = isFields(spec.pipelineRef) ? find('Pipeline', spec.pipelineRef.name) : undefined;
      if (pipeline !== undefined) {
        delete spec.pipelineRef;
        spec.pipelineSpec = structuredClone(pipeline.object.spec);
        pieces.push({ at: ['spec', 'pipelineSpec'], document: pipeline, from: ['spec'] });
      }
      for (const list of ['tasks', 'finally']) embed(spec.pipelineSpec, list, find, pieces);
      return { origin, run: run as unknown as PipelineRun, fetched: [], pieces };
    });
}

function embed(
  pipelineSpec: unknown,
  list: string,
  find: (kind: string, name: unknown) => Document | undefined,
  pieces: Piece[],
): void {
  const tasks = isFields(pipelineSpec) && Array.isArray(pipelineSpec[list]) ? pipelineSpec[list] : [];
  tasks.forEach((task: unknown, index) => {
    if (!isFields(task) || !isFields(task.taskRef) || 'taskSpec' in task) return;
    const { name, kind = 'Task' } = task.taskRef;
    const found = kind === 'Task' && task.taskRef.resolver === undefined ? find('Task', name) : undefined;
    if (found === undefined) return;
    delete task.taskRef;
    task.taskSpec = structuredClone(found.object.spec);
    pieces.push({ at: ['spec', 'pipelineSpec', list, index, 'taskSpec'], document: found, from: ['spec'] });
  });
}

function documentOf(text: string, file: string, read: { value: unknown; index: number; line: number }): Document {
  const object: Fields = fieldsOf(read.value, file);
  const metadata = isFields(object.metadata) ? object.metadata : {};
  return {
    file,
    index: read.index,
    line: read.line,
    where: `${file}, line ${read.line}`,
    apiVersion: String(object.apiVersion),
    kind: String(object.kind),
    name: String(metadata.name ?? metadata.generateName ?? ''),
    object,
    lineOf: (path) => lineIn(text, read.index, path),
  };
}

/** A run with other values at some paths (`/` between the parts); undefined takes a field away. */
export function edited(run: ResolvedRun, edit: Readonly<Record<string, unknown>>): ResolvedRun {
  const copy = structuredClone(run.run);
  for (const [path, value] of Object.entries(edit)) {
    const parts = path.split('/');
    const last = parts.pop() ?? '';
    let at: unknown = copy;
    for (const part of parts) at = typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined;
    if (typeof at !== 'object' || at === null) throw new Error(`there is no ${path}`);
    if (value === undefined) Reflect.deleteProperty(at, last);
    else Reflect.set(at, last, value);
  }
  return { ...run, run: copy };
}
