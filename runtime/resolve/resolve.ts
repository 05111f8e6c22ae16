import { invalid, SubpipeError } from '../errors.ts';
import { type Fields, isFields } from '../shape.ts';
import { inlineTasks, localName } from '../tekton/inline.ts';
import type { PipelineRef, PipelineRun, PipelineSpec, PipelineTask, TaskRef, TaskSpec } from '../tekton/types.ts';
import { pipelineAnnotation, taskAnnotations } from './annotations.ts';
import type { Document } from './document.ts';
import { checkNames, named } from './name.ts';
import { type Reference, titleOf, type Wanted } from './reference.ts';
import { Remote, type RemoteDocument } from './remote.ts';
import type { Piece, ResolvedRun } from './resolved.ts';
import { fromResolver } from './resolver.ts';
import type { Sources } from './sources.ts';
import { inlineSteps, type StepRef } from './step-action.ts';

export interface ResolveOptions {
  /** Where annotations lead; without it they are not followed. */
  sources: Sources | undefined;
  /** Tasks that stay references, by name. */
  skip?: readonly string[];
  /** `name` becomes `generateName`. Default true. */
  generateName?: boolean;
  /** References with a resolver or a bundle are followed and embedded too. Default false. */
  inlineAll?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Each PipelineRun among `documents` as one that needs nothing else: Pipeline and Tasks embedded (Pipelines-as-Code, guide/resolver).
 *
 * A Task comes from the PipelineRun's annotations, then its Pipeline's, then the documents; a Pipeline from the PipelineRun's
 * annotation, then the documents. The first of a name counts. What comes in is never changed.
 *
 * @param wanted Which PipelineRuns; default all. Only theirs annotations are followed.
 * @throws SubpipeError `INVALID` with file, document and line for what is missing or wrong; what `sources` throws.
 */
export async function resolveRuns(
  documents: readonly Document[],
  options: ResolveOptions,
  wanted: (run: Document) => boolean = () => true,
): Promise<ResolvedRun[]> {
  const runs = documents.filter(({ kind }) => kind === 'PipelineRun');
  if (runs.length === 0) {
    throw invalid('could not find any PipelineRun in your .tekton/ directory');
  }
  checkNames(runs);
  const remote = options.sources === undefined ? undefined : new Remote(options.sources, options.signal);
  // Of several that fail, the first in the files is told of, whichever failed first in time.
  const settled = await Promise.allSettled(
    runs.filter(wanted).map((run) => new Resolution(run, documents, remote, options).resolve()),
  );
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

/** The work on one PipelineRun. */
class Resolution {
  readonly origin: Document;
  readonly #documents: readonly Document[];
  readonly #remote: Remote | undefined;
  readonly #options: ResolveOptions;
  /** By what was asked for, so that parallel work leaves the order to the names. */
  readonly #fetched = new Map<string, RemoteDocument>();
  readonly #pieces: Piece[];

  constructor(origin: Document, documents: readonly Document[], remote: Remote | undefined, options: ResolveOptions) {
    this.origin = origin;
    this.#documents = documents;
    this.#remote = remote;
    this.#options = options;
    this.#pieces = [{ at: [], document: origin, from: [] }];
  }

  async resolve(): Promise<ResolvedRun> {
    const spec = isFields(this.origin.object.spec) ? this.origin.object.spec : {};
    const pipeline = await this.#pipeline(spec);
    const tasks = await this.#annotatedTasks(pipeline);
    const resolved: Fields = { ...spec };
    const embedded = pipeline?.document.object.spec ?? spec.pipelineSpec;
    if (isFields(embedded)) {
      if (pipeline !== undefined) {
        delete resolved.pipelineRef;
        this.#pieces.push({ at: ['spec', 'pipelineSpec'], document: pipeline.document, from: ['spec'] });
      }
      resolved.pipelineSpec = await this.#embed(embedded, pipeline?.document ?? this.origin, tasks);
    }
    const run: Fields = { ...named(this.origin, this.#options.generateName !== false), spec: resolved };
    return {
      origin: this.origin,
      run: run as unknown as PipelineRun,
      fetched: [...this.#fetched.values()]
        .map(({ fetched }) => fetched)
        .filter((one, index, all) => all.findIndex(({ from }) => from === one.from) === index)
        .sort((a, b) => (a.from < b.from ? -1 : 1)),
      pieces: this.#pieces,
    };
  }

  /** The Pipeline that the run names, or `undefined` where it brings its own, or leaves it to Tekton's resolvers. */
  async #pipeline(spec: Fields): Promise<RemoteDocument | { document: Document; fetched?: undefined } | undefined> {
    const annotation = this.#remote === undefined ? undefined : pipelineAnnotation(this.origin);
    const remote = annotation === undefined ? undefined : await this.#follow(annotation, 'pipeline', this.origin);
    if (!isFields(spec.pipelineRef)) return undefined;
    const ref = spec.pipelineRef as PipelineRef;
    if (ref.resolver !== undefined && ref.resolver !== '') {
      if (this.#options.inlineAll !== true) return undefined;
      return this.#fromResolver(ref, 'pipeline', this.origin, ['spec', 'pipelineRef']);
    }
    const name = ref.name ?? '';
    if (remote !== undefined && remote.document.name === name) return remote;
    const document = this.#documents.find((one) => one.kind === 'Pipeline' && one.name === name);
    if (document !== undefined) return { document };
    throw this.#missing('pipeline', name, this.origin, ['spec', 'pipelineRef', 'name'], remote?.document);
  }

  /** Tasks of annotations by name: the PipelineRun's before its Pipeline's. */
  async #annotatedTasks(
    pipeline: RemoteDocument | { document: Document; fetched?: undefined } | undefined,
  ): Promise<Map<string, Document>> {
    const tasks = new Map<string, Document>();
    if (this.#remote === undefined) return tasks;
    const wanted = taskAnnotations(this.origin).flatMap(({ key, words }) =>
      words.map((word) => this.#follow({ key, word }, 'task', this.origin)),
    );
    if (pipeline !== undefined) {
      const { document, fetched } = pipeline;
      const relative = fetched === undefined ? undefined : (path: string) => fetched.relative(path);
      for (const { key, words } of taskAnnotations(document)) {
        wanted.push(...words.map((word) => this.#follow({ key, word }, 'task', document, relative)));
      }
    }
    // The first failure in the order of the annotations is the one to tell of, whichever came first in time.
    const settled = await Promise.allSettled(wanted);
    for (const one of settled) {
      if (one.status === 'rejected') throw one.reason;
      const { document } = one.value;
      if (!tasks.has(document.name)) tasks.set(document.name, document);
    }
    return tasks;
  }

  async #embed(spec: Fields, home: Document, tasks: ReadonlyMap<string, Document>): Promise<PipelineSpec> {
    const at = (list: string, index: number) => ['spec', 'pipelineSpec', list, index, 'taskSpec'];
    const base = home === this.origin ? ['spec', 'pipelineSpec'] : ['spec'];
    const pieces: Piece[] = [];
    const inlined = await inlineTasks(spec as PipelineSpec, async (task, list, index) => {
      const path = [...base, list, index, 'taskRef'];
      const document = await this.#task(task, home, path, tasks);
      if (document === undefined) return undefined;
      pieces.push({ at: at(list, index), document, from: ['spec'] });
      const metadata = isFields(document.object.metadata) ? document.object.metadata : {};
      return {
        spec: (isFields(document.object.spec) ? document.object.spec : {}) as TaskSpec,
        labels: metadata.labels as Record<string, string> | undefined,
        annotations: metadata.annotations as Record<string, string> | undefined,
      };
    });
    this.#pieces.push(...pieces.sort((a, b) => compare(a.at, b.at)));
    return inlineSteps(inlined, (step) => this.#stepAction(step));
  }

  /** The StepAction that a step names: of the documents, or with `inlineAll` from where its resolver leads. */
  async #stepAction({ ref, at }: StepRef): Promise<Document | undefined> {
    if (typeof ref.resolver !== 'string' || ref.resolver === '') {
      return this.#documents.find((one) => one.kind === 'StepAction' && one.name === ref.name);
    }
    if (this.#options.inlineAll !== true) return undefined;
    const { sourceOf } = await import('./check/findings.ts');
    const { document, path } = sourceOf({ origin: this.origin, pieces: this.#pieces }, ['spec', 'pipelineSpec', ...at]);
    return (await this.#fromResolver(ref, 'stepaction', document, [...path]))?.document;
  }

  /** The Task that a pipeline task names; `undefined` where the reference stays. */
  async #task(
    task: PipelineTask,
    home: Document,
    path: (string | number)[],
    tasks: ReadonlyMap<string, Document>,
  ): Promise<Document | undefined> {
    const { taskRef } = task;
    if (this.#options.inlineAll === true && taskRef?.resolver !== undefined && taskRef.resolver !== '') {
      return (await this.#fromResolver(taskRef, 'task', home, path))?.document;
    }
    const name = localName(taskRef);
    if (name === undefined || (this.#options.skip ?? []).includes(name)) return undefined;
    const found = tasks.get(name) ?? this.#documents.find((one) => one.kind === 'Task' && one.name === name);
    if (found === undefined) throw this.#missing('task', name, home, [...path, 'name'], undefined);
    return found;
  }

  async #fromResolver(
    ref: PipelineRef | TaskRef | Fields,
    wanted: Wanted,
    home: Document,
    path: (string | number)[],
  ): Promise<RemoteDocument | undefined> {
    const where = `${home.file}, line ${home.lineOf(path)}`;
    const reference = fromResolver(ref, wanted, where);
    if (reference === undefined || this.#remote === undefined) return undefined;
    return this.#fetch(reference, wanted, where);
  }

  async #follow(
    { key, word }: { key: string; word: string },
    wanted: 'task' | 'pipeline',
    document: Document,
    relative?: (path: string) => Reference,
  ): Promise<RemoteDocument> {
    const { parseReference } = await import('./reference.ts');
    const where = () => `${document.file}, line ${document.lineOf(['metadata', 'annotations', key])}`;
    let reference: Reference;
    try {
      reference = parseReference(word, relative);
    } catch (cause) {
      throw invalid(`${where()}: the annotation ${key} cannot be followed`, { cause });
    }
    return this.#fetch(reference, wanted, where, key);
  }

  async #fetch(
    reference: Reference,
    wanted: Wanted,
    where: string | (() => string),
    key?: string,
  ): Promise<RemoteDocument> {
    if (this.#remote === undefined) throw new TypeError('nothing is fetched without sources');
    try {
      const found = await this.#remote.get(reference, wanted);
      this.#fetched.set(JSON.stringify([wanted, reference]), found);
      return found;
    } catch (cause) {
      const named = key === undefined ? '' : ` that the annotation ${key} names`;
      const code = cause instanceof SubpipeError ? cause.code : 'FAILED';
      const at = typeof where === 'string' ? where : where();
      throw new SubpipeError(code, `${at}: the remote ${wanted} ${titleOf(reference)}${named} cannot be used`, {
        cause,
      });
    }
  }

  #missing(
    what: 'pipeline' | 'task',
    name: string,
    home: Document,
    path: (string | number)[],
    instead: Document | undefined,
  ): SubpipeError {
    const kind = what === 'pipeline' ? 'Pipeline' : 'Task';
    const known = this.#documents.filter((one) => one.kind === kind).map((one) => one.name);
    const near = known.find(
      (one) => one.toLowerCase() === name.toLowerCase() || one.includes(name) || name.includes(one),
    );
    const other = instead === undefined ? '' : `; the annotation's Pipeline is named ${instead.name}`;
    const off = this.#remote === undefined ? ' (annotations are not followed)' : '';
    return invalid(
      `${home.file}, line ${home.lineOf(path)}: cannot find referenced ${what} ${name}${off}${other}: expected it in the files, or in an annotation`,
      near === undefined || name === '' ? {} : { hint: `Did you mean ${near}?` },
    );
  }
}

function compare(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    if (typeof part === 'number' && typeof other === 'number') return part - other;
    return String(part) < String(other) ? -1 : 1;
  }
  return a.length - b.length;
}
