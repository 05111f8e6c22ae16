import { parentOf } from '../archive/path.ts';
import type { Changes } from '../archive/tree/changes.ts';
import type { WorkspaceLayer } from './image.ts';

/** Which paths a layer is about, on its descriptor: a JSON list; each stands for all below it too. */
export const pathsAnnotation = 'subpipe.dev/paths';

/** More of a manifest than this no layer gets, in characters. */
const longest = 2000;
const deepest = 8;

/**
 * What a layer is about, as exactly as fits: so that a pull of some paths leaves out layers that have nothing of them.
 * Undefined where it does not fit, or where names are not plain ASCII.
 */
export function coverOf(changes: Changes): string | undefined {
  const { places } = changes;
  const inside = new Set(places.map((place) => parentOf(changes.pathAt(place))));
  const said = places
    .map((place) => changes.pathAt(place))
    .filter((path, i) => (places[i] ?? 0) < 0 || !inside.has(path));
  for (let depth = deepest; depth > 0; depth--) {
    const cut = cutAll(said, depth);
    if (cut === undefined) continue;
    const text = JSON.stringify([...cut].sort());
    if (text.length <= longest) return /^[\x20-\x7e]*$/.test(text) ? text : undefined;
  }
  return undefined;
}

/** Undefined, and no longer looked for, where they do not fit. */
function cutAll(paths: readonly string[], depth: number): Set<string> | undefined {
  const cut = new Set<string>();
  let least = 1;
  for (const path of paths) {
    const short = cutTo(path, depth);
    if (cut.has(short)) continue;
    cut.add(short);
    least += short.length + 3;
    if (least > longest) return undefined;
  }
  return cut;
}

/** The first `depth` parts of a path. */
function cutTo(path: string, depth: number): string {
  let at = -1;
  for (let part = 0; part < depth; part++) {
    at = path.indexOf('/', at + 1);
    if (at < 0) return path;
  }
  return path.slice(0, at);
}

/** Whether a layer has, or hides, something of these paths. True where it does not tell. */
export function isNeeded({ descriptor }: WorkspaceLayer, paths: readonly string[]): boolean {
  const text = descriptor.annotations?.[pathsAnnotation];
  if (paths.length === 0 || text === undefined) return true;
  const said = listIn(text);
  if (said === undefined) return true;
  const wanted = paths.map((path) => path.split('/').filter((part) => part !== '' && part !== '.'));
  return said.some((path) => {
    const parts = path.split('/');
    return wanted.some((want) => parts.every((part, i) => i >= want.length || part === want[i]));
  });
}

function listIn(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
