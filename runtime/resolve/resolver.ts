import { invalid } from '../errors.ts';
import { type Fields, isFields } from '../shape.ts';
import type { PipelineRef, TaskRef } from '../tekton/types.ts';
import type { Reference, Wanted } from './reference.ts';

/**
 * What Tekton's own resolvers would fetch, for those that can be followed without a cluster's configuration (docs: bundle-resolver,
 * git-resolver, http-resolver, hub-resolver, cluster-resolver); `undefined` for any other.
 *
 * @throws SubpipeError `INVALID` where a param is missing, or is known only at run time.
 */
export function fromResolver(
  ref: PipelineRef | TaskRef | Fields,
  wanted: Wanted,
  where: string,
): Reference | undefined {
  const param = (name: string): string | undefined => {
    const given = Array.isArray(ref.params) ? ref.params.filter(isFields) : [];
    const value = given.find((one) => one.name === name)?.value;
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string' || value.includes('$(')) {
      throw invalid(
        `${where}: the resolver ${ref.resolver} cannot be followed: its param ${name} is known only at run time`,
        {
          hint: 'Give it a fixed text, or leave out --inline-all.',
        },
      );
    }
    return value;
  };
  const required = (name: string): string => {
    const value = param(name);
    if (value === undefined) throw invalid(`${where}: the resolver ${ref.resolver} needs the param ${name}`);
    return value;
  };
  const resourceKind = param('kind')?.toLowerCase() ?? wanted;
  switch (ref.resolver) {
    case 'bundles':
      return { kind: 'bundle', image: required('bundle'), name: required('name'), resourceKind };
    case 'git':
      return { kind: 'git', url: required('url'), revision: param('revision') ?? 'main', path: required('pathInRepo') };
    case 'http':
      return { kind: 'url', url: required('url') };
    case 'hub': {
      const id = param('catalog');
      const reference = { kind: 'hub', catalog: 'default', name: required('name'), version: param('version') } as const;
      return id === undefined ? reference : { ...reference, id };
    }
    case 'cluster':
      return { kind: 'cluster', resourceKind, name: required('name'), namespace: required('namespace') };
    default:
      return undefined;
  }
}
