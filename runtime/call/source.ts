import { hasCode, invalid, SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { type OwnerReference, pipelines } from '../kube/resource.ts';
import type { Log } from '../log.ts';
import type { Document } from '../resolve/document.ts';
import { readBeside } from '../resolve/folder.ts';
import { fieldsOf, isFields, textMapOf } from '../shape.ts';
import { asReferenced, withName } from '../tekton/as-referenced.ts';
import { inlineTasks, localName } from '../tekton/inline.ts';
import { resolvePipeline } from '../tekton/resolution.ts';
import type { Pipeline, PipelineRef, PipelineRun, PipelineSpec } from '../tekton/types.ts';
import { readRun, type Source } from './call.ts';
import { identityOfRef } from './chain.ts';

/** A source that was looked up: what the child will run, and what is known of it beforehand. */
export interface ResolvedSource {
  /** For people. */
  title: string;
  /** The Pipeline's name, where it has one of its own. */
  pipeline?: string | undefined;
  /** For the call chain: the same text for the same Pipeline. */
  identity: string;
  /** What the checks go by. */
  spec: PipelineSpec;
  /** The part of the child's spec that says what it runs. */
  target: { pipelineRef: PipelineRef } | { pipelineSpec: PipelineSpec };
  /** The PipelineRun that the child starts from, where there is one. */
  base: PipelineRun | undefined;
}

export interface SourceContext {
  kube: KubeClient;
  log: Log;
  /** Namespace of the child. */
  namespace: string;
  /** The folder that files are read from. */
  folder: string;
  /** Owner of helper objects; only for the caller's own namespace. */
  owner: OwnerReference | undefined;
  signal?: AbortSignal;
}

/**
 * Looks a source up. @throws SubpipeError `INVALID` or `NOT_FOUND` that names what is missing.
 */
export async function resolveSource(source: Source, context: SourceContext): Promise<ResolvedSource> {
  switch (source.kind) {
    case 'pipeline':
      return resolveRef({ name: source.name }, context);
    case 'ref':
      return resolveRef(source.ref, context);
    case 'file':
      return resolveFile(source.path, source.pipeline, context);
    case 'run':
      return resolveRun(source.run, 'the PipelineRun', context);
    default:
      return source satisfies never;
  }
}

async function resolveRef(ref: PipelineRef, context: SourceContext): Promise<ResolvedSource> {
  const { kube, namespace, signal } = context;
  if (ref.resolver !== undefined) {
    const params = ref.params ?? [];
    const found = await resolvePipeline(kube, namespace, { resolver: ref.resolver, params }, context);
    const identity = identityOfRef(ref.resolver, params, namespace);
    const title = found.metadata.name;
    return { title, pipeline: title, identity, spec: found.spec, target: { pipelineRef: ref }, base: undefined };
  }
  const name = ref.name ?? '';
  try {
    const { spec } = await kube.get<Pipeline>(pipelines, namespace, name, signal);
    const identity = `${namespace}/${name}`;
    return { title: name, pipeline: name, identity, spec, target: { pipelineRef: { name } }, base: undefined };
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    throw new SubpipeError('INVALID', `there is no Pipeline ${name} in namespace ${namespace}`, {
      hint: `Nothing was created. Look with: kubectl get pipelines -n ${namespace}`,
    });
  }
}

async function resolveFile(file: string, wanted: string | undefined, context: SourceContext): Promise<ResolvedSource> {
  const { own, beside } = await readBeside(context.folder, file);
  const all = [...own, ...beside];
  const candidates = own.filter(({ kind, name }) => kind === 'Pipeline' && (wanted === undefined || name === wanted));
  const runs = own.filter(({ kind }) => kind === 'PipelineRun');
  // A PipelineRun beside its Pipeline says more than the Pipeline alone.
  if (runs.length === 1 && runs[0] !== undefined && wanted === undefined) {
    return resolveRun(readRun(runs[0].object, runs[0].where), runs[0].where, context, all);
  }
  const found = candidates[0];
  if (found === undefined || candidates.length > 1) {
    const names = own.filter(({ kind }) => kind === 'Pipeline').map(({ name }) => name);
    throw invalid(
      `the file ${file} must hold ${wanted === undefined ? 'one Pipeline' : `the Pipeline ${wanted}`}, but holds ${names.length === 0 ? 'none' : names.join(', ')}`,
      names.length > 1 ? { hint: 'Pick one with pipeline.' } : {},
    );
  }
  return {
    title: found.name,
    pipeline: found.name,
    identity: `${context.namespace}/${found.name}`,
    ...(await embedded(named(found), all)),
    base: undefined,
  };
}

async function resolveRun(
  run: PipelineRun,
  where: string,
  context: SourceContext,
  documents: Document[] = [],
): Promise<ResolvedSource> {
  const { pipelineRef, pipelineSpec } = run.spec;
  const title = run.metadata.name || run.metadata.generateName || 'pipelinerun';
  if (pipelineSpec !== undefined) {
    const identity = `${context.namespace}/${title}`;
    return { title, identity, ...(await embedded(pipelineSpec, documents)), base: run };
  }
  const name = pipelineRef?.name;
  const local = documents.find((document) => document.kind === 'Pipeline' && document.name === name);
  if (local !== undefined) {
    return {
      title: local.name,
      pipeline: local.name,
      identity: `${context.namespace}/${local.name}`,
      ...(await embedded(named(local), documents)),
      base: run,
    };
  }
  if (pipelineRef === undefined) throw invalid(`${where}: spec must have exactly one of pipelineRef and pipelineSpec`);
  return { ...(await resolveRef(pipelineRef, context)), base: run };
}

/** The spec of a Pipeline that becomes a part of its run, and is without a name there. */
export function named(pipeline: Document): PipelineSpec {
  return withName(specOf(pipeline), pipeline.name);
}

/** The spec with the Tasks of `documents` in it. The first Task of a name counts: those of the file itself come first. */
export async function embedded(
  spec: PipelineSpec,
  documents: Document[],
): Promise<{ spec: PipelineSpec; target: { pipelineSpec: PipelineSpec } }> {
  const whole = await inlineTasks(spec, async (pipelineTask) => {
    const name = localName(pipelineTask.taskRef);
    const task = documents.find((document) => document.kind === 'Task' && document.name === name);
    if (task === undefined) return undefined;
    const metadata = isFields(task.object.metadata) ? task.object.metadata : {};
    const map = (field: 'labels' | 'annotations') =>
      metadata[field] === undefined ? undefined : textMapOf(metadata[field], `${task.where}: metadata.${field}`);
    const found = { spec: specOf(task), labels: map('labels'), annotations: map('annotations') };
    return asReferenced(pipelineTask, found, spec);
  });
  return { spec: whole, target: { pipelineSpec: whole } };
}

function specOf(document: Document): PipelineSpec {
  return fieldsOf(
    document.object.spec,
    `${document.where}: spec of the ${document.kind} ${document.name}`,
  ) as PipelineSpec;
}
