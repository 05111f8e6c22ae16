import { SubpipeError } from '../errors.ts';
import type { PipelineRun } from '../tekton/types.ts';
import type { Caller } from './caller.ts';

/** Annotation with the Pipelines from the first caller to this run, as a JSON list. */
export const chainAnnotation = 'subpipe.dev/call-chain';

/** The Pipelines above a call, the first caller first, each as `namespace/name` or as its reference. */
export function chainOf(caller: Caller | undefined): string[] {
  if (caller === undefined) return [];
  const annotated = (caller.parent ?? caller.run).metadata.annotations?.[chainAnnotation];
  if (annotated !== undefined) return parseChain(annotated);
  return caller.parent === undefined ? [] : [identityOfRun(caller.parent, caller.namespace)];
}

/**
 * The chain of a child. @throws SubpipeError `INVALID` where the child is in it already, or where it grows too long.
 */
export function extendChain(chain: readonly string[], child: string, maxDepth: number): string[] {
  const next = [...chain, child];
  if (chain.includes(child)) {
    throw new SubpipeError('INVALID', `the call would go round in a circle: ${next.join(' → ')}`, {
      hint: 'Nothing was created. Take the call that closes the circle out of its Pipeline.',
    });
  }
  if (next.length - 1 > maxDepth) {
    throw new SubpipeError(
      'INVALID',
      `the call is ${next.length - 1} deep, and max-depth is ${maxDepth}: ${next.join(' → ')}`,
      {
        hint: 'Nothing was created. Raise max-depth if this is meant.',
      },
    );
  }
  return next;
}

/** What a run's Pipeline is called in a chain: the same text for the same Pipeline, however it is called. */
export function identityOfRun(run: PipelineRun, namespace: string): string {
  const ref = run.spec.pipelineRef;
  if (ref?.name !== undefined) return `${namespace}/${ref.name}`;
  if (ref?.resolver !== undefined) return identityOfRef(ref.resolver, ref.params ?? [], namespace);
  return `${namespace}/${run.metadata.labels?.['tekton.dev/pipeline'] ?? run.metadata.generateName ?? run.metadata.name}`;
}

/** A resolver's reference. The cluster resolver's is the same Pipeline as one called by name. */
export function identityOfRef(
  resolver: string,
  params: readonly { name: string; value: unknown }[],
  namespace: string,
): string {
  const value = (name: string): string | undefined => {
    const found = params.find((param) => param.name === name)?.value;
    return typeof found === 'string' ? found : undefined;
  };
  if (resolver === 'cluster') return `${value('namespace') ?? namespace}/${value('name') ?? '?'}`;
  const sorted = [...params].sort((a, b) => (a.name < b.name ? -1 : 1));
  return `${resolver}:${sorted.map(({ name, value: given }) => `${name}=${String(given)}`).join(',')}`;
}

function parseChain(text: string): string[] {
  try {
    const chain: unknown = JSON.parse(text);
    if (Array.isArray(chain)) return chain.map(String);
  } catch {
    // said below, with what came
  }
  throw new SubpipeError(
    'INVALID',
    `the annotation ${chainAnnotation} must be a JSON list, but is ${JSON.stringify(text.slice(0, 200))}`,
  );
}
