import type { Fields } from '../shape.ts';
import { runToV1beta1 } from '../tekton/v1beta1.ts';
import { formatSortedYaml } from '../yaml/write.ts';
import type { ResolvedRun } from './resolved.ts';

/** Resolved runs as YAML, each after `---`, keys in order. @param v1beta1 As tekton.dev/v1beta1. */
export function formatRuns(runs: readonly ResolvedRun[], { v1beta1 = false }: { v1beta1?: boolean } = {}): string {
  return runs.map(({ run }) => formatDocument(v1beta1 ? runToV1beta1({ ...run }) : { ...run })).join('');
}

/** One object as a document of a YAML text. */
export function formatDocument(object: Fields): string {
  return `---\n${formatSortedYaml(object)}`;
}
