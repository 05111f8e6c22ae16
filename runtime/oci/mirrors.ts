import process from 'node:process';
import { invalid } from '../errors.ts';
import { type ImageName, parseName } from './name.ts';

/** Where what is read under a prefix may also be: `{ from: 'docker.io', to: 'mirror.example/hub' }`. */
export interface Mirror {
  /** A registry, or a registry and the first parts of a path. */
  from: string;
  /** What stands in its place. */
  to: string;
}

/**
 * Mirrors from text: `FROM=TO`, several with commas between them: `docker.io=mirror.example/hub,quay.io=10.0.0.1:5000`.
 * With it `docker.io/library/debian` is looked for at `mirror.example/hub/library/debian` first. Several mirrors of one
 * place are asked in their order. Content is verified by its digest; for what a tag means a mirror is believed.
 *
 * @param source said in errors: the flag or variable.
 * @throws SubpipeError `INVALID` that quotes the part.
 */
export function parseMirrors(text: string, source: string): Mirror[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [from = '', to = '', ...more] = part.split('=').map((side) => side.replace(/\/+$/, ''));
      const good = more.length === 0 && isPrefix(from) && isPrefix(to);
      if (good) return { from: from === 'index.docker.io' ? 'docker.io' : from, to };
      throw invalid(`${source} has "${part}": expected FROM=TO, like docker.io=mirror.example/hub`);
    });
}

/** The mirrors of `SUBPIPE_REGISTRY_MIRRORS`, see {@link parseMirrors}. Default: none. */
export function loadMirrors(env: NodeJS.ProcessEnv = process.env): Mirror[] {
  return parseMirrors(env.SUBPIPE_REGISTRY_MIRRORS ?? '', 'SUBPIPE_REGISTRY_MIRRORS');
}

/** Where else a repository may be read, the longest prefix first. */
export function mirrorsOf(mirrors: readonly Mirror[], name: ImageName): ImageName[] {
  const whole = `${name.registry}/${name.repository}`;
  return mirrors
    .filter(({ from }) => whole === from || whole.startsWith(`${from}/`))
    .sort((a, b) => b.from.length - a.from.length)
    .map(({ from, to }) => parseName(`${to}${whole.slice(from.length)}`));
}

/** A registry is told from the first part of a path by its dot or port. */
function isPrefix(text: string): boolean {
  const host = text.split('/')[0] ?? '';
  if (!/[.:]/.test(host) && host !== 'localhost') return false;
  try {
    parseName(`${text}/x`);
    return true;
  } catch {
    return false;
  }
}
