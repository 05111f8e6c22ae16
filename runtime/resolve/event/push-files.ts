import type { ChangedFiles } from '../event.ts';
import type { Payload } from './payload-fields.ts';

/** The files that a push lists for its last commit (`added`, `removed`, `modified`): Pipelines-as-Code asks for that commit's, too. */
export function pushFiles(payload: Payload, commit: string): ChangedFiles | undefined {
  if (!['added', 'removed', 'modified'].some((kind) => payload.has(`${commit}.${kind}`))) return undefined;
  const [added, deleted, modified] = ['added', 'removed', 'modified'].map((kind) =>
    payload.list(`${commit}.${kind}`).filter((file) => typeof file === 'string'),
  );
  return changedFiles({ added: added ?? [], deleted: deleted ?? [], modified: modified ?? [], renamed: [] });
}

/** With `all`: each file once. */
export function changedFiles(files: Omit<ChangedFiles, 'all'>): ChangedFiles {
  const all = [...new Set([...files.added, ...files.deleted, ...files.modified, ...files.renamed])].sort();
  return { all, ...files };
}
