import { glob } from './glob.ts';

/**
 * Whether a branch pattern of `on-target-branch` fits. Short names stand for `refs/heads/NAME` on both sides; a tag is only matched by a
 * pattern that begins with `refs/tags/`, or is the very same text. Paths of `on-path-change` go the same way, as in Pipelines-as-Code.
 * @throws SubpipeError `INVALID` for a glob that cannot be read.
 */
export function refMatches(pattern: string, ref: string): boolean {
  if (pattern === ref) return true;
  if (pattern.startsWith('refs/tags/')) return glob(pattern).test(ref);
  const full = pattern.startsWith('refs/heads/') ? pattern : `refs/heads/${pattern}`;
  const isRef = ref.startsWith('refs/heads/') || ref.startsWith('refs/tags/');
  return glob(full).test(isRef ? ref : `refs/heads/${ref}`);
}
