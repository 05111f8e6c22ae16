import { formatPath } from '../../runtime/resolve/check/findings.ts';
import type { FieldPath } from '../../runtime/resolve/document.ts';
import type { ResolvedRun } from '../../runtime/resolve/resolved.ts';
import { isFields } from '../../runtime/shape.ts';

/** What still needs a resolver when the run starts, a line each: of resolvers that cannot be followed from here. */
export function leftovers(runs: readonly ResolvedRun[]): string[] {
  return runs.flatMap(({ origin, run }) => {
    const found: string[] = [];
    walk(run, [], (at, resolver) => {
      found.push(`${origin.file}: PipelineRun ${origin.name}: ${formatPath(at)} still needs the resolver ${resolver}`);
    });
    return found;
  });
}

function walk(value: unknown, at: FieldPath, found: (at: FieldPath, resolver: string) => void): void {
  if (Array.isArray(value))
    value.forEach((one: unknown, index) => {
      walk(one, [...at, index], found);
    });
  if (!isFields(value)) return;
  const isRef = ['taskRef', 'pipelineRef', 'ref'].includes(String(at.at(-1)));
  if (isRef && typeof value.resolver === 'string' && value.resolver !== '') found(at, value.resolver);
  for (const [key, inner] of Object.entries(value)) walk(inner, [...at, key], found);
}
