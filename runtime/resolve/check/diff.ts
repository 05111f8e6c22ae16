import { loadYaml } from '../../yaml/read.ts';
import { formatSortedYaml } from '../../yaml/write.ts';
import type { ResolvedRun } from '../resolved.ts';

/** One run of two revisions. */
export interface RunDiff {
  /** The name in its file, without what makes it unique in a cluster. */
  name: string;
  change: 'added' | 'removed' | 'changed' | 'same';
  /** A unified diff of the resolved YAML; '' where nothing has changed. */
  text: string;
}

/** What has changed in the resolved runs between two revisions, by the runs' names, in their order. */
export async function diffRuns(
  before: readonly ResolvedRun[],
  after: readonly ResolvedRun[],
  titles: { before: string; after: string } = { before: 'before', after: 'after' },
): Promise<RunDiff[]> {
  const [{ createTwoFilesPatch, FILE_HEADERS_ONLY }] = await Promise.all([import('diff'), loadYaml()]);
  const old = byName(before);
  const now = byName(after);
  return [...new Set([...old.keys(), ...now.keys()])].sort().map((name) => {
    const [from, to] = [old.get(name), now.get(name)];
    if (from === to) return { name, change: 'same', text: '' };
    const text = createTwoFilesPatch(
      from === undefined ? '/dev/null' : `${name} (${titles.before})`,
      to === undefined ? '/dev/null' : `${name} (${titles.after})`,
      from ?? '',
      to ?? '',
      undefined,
      undefined,
      { headerOptions: FILE_HEADERS_ONLY },
    );
    return { name, change: from === undefined ? 'added' : to === undefined ? 'removed' : 'changed', text };
  });
}

function byName(runs: readonly ResolvedRun[]): Map<string, string> {
  return new Map(runs.map(({ origin, run }) => [origin.name, formatSortedYaml({ ...run })]));
}
