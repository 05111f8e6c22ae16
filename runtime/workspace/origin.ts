import { realpathSync } from 'node:fs';
import type { Tree } from '../archive/tree/tree.ts';
import { invalid } from '../errors.ts';
import { readGitFolder } from '../resolve/git-folder.ts';

/** What an image is made of (image-spec, annotations.md "Pre-Defined Annotation Keys"). */
export const revisionAnnotation = 'org.opencontainers.image.revision';
const sourceAnnotation = 'org.opencontainers.image.source';

/** Annotations of what a user says. @throws SubpipeError `INVALID` for a URL that is none. */
export function givenOrigin(given: { revision?: string | undefined; sourceUrl?: string | undefined }) {
  const { revision = '', sourceUrl = '' } = given;
  return {
    ...(revision === '' ? {} : { [revisionAnnotation]: revision }),
    ...(sourceUrl === '' ? {} : { [sourceAnnotation]: publicUrl(sourceUrl) }),
  };
}

/**
 * The commit that a folder's own `.git` has checked out, where that is pushed too: so the same content has the same
 * annotation. Only files are read, of a worktree or submodule also those outside; nothing of the folder is run.
 */
export function foundOrigin(tree: Tree): Record<string, string> {
  if (!tree.paths.some((path) => path === '.git')) return {};
  const found = readGitFolder(tree.root, '');
  const isOwn = found?.root === realpathSync(tree.root);
  return isOwn && found?.revision !== undefined ? { [revisionAnnotation]: found.revision } : {};
}

/** Everybody who may read the image reads its annotations. */
function publicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(https?|ssh|git):$/.test(url.protocol))
    // What came may have a token in it.
    throw invalid('--source-url is no URL of a repository: expected one such as https://git.example.com/team/app');
  if (url.username === '' && url.password === '') return text;
  url.username = '';
  url.password = '';
  return url.href;
}
