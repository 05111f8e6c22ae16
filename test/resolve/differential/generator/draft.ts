import type { Fields } from '../../../../runtime/shape.ts';
import type { CorpusCase } from '../../corpus/case.ts';
import { Random } from './random.ts';
import { yamlOf } from './yaml.ts';

/** A Kubernetes object, and the file or the path of a URL that it is in. */
export interface Placed {
  path: string;
  object: Fields;
}

/** A case before it is text: what can be taken out of it one by one. */
export interface Draft {
  seed: number;
  /** In the order of the documents of a file. */
  files: readonly Placed[];
  remote: readonly Placed[];
  args: readonly string[];
}

/** A draft as files, in one of the ways in which YAML can be written. */
export function rendered({ seed, files, remote, args }: Draft): CorpusCase {
  const random = new Random(seed);
  return { title: `seed ${seed}`, files: texts(files, random), remote: texts(remote, random), args };
}

function texts(placed: readonly Placed[], random: Random): Record<string, string> {
  const made: Record<string, string> = {};
  for (const path of new Set(placed.map((one) => one.path))) {
    const documents = placed.filter((one) => one.path === path).map(({ object }) => yamlOf(object, random));
    const text =
      random.pick(['', '---\n', '# a comment\n---\n', '\n\n---\n']) +
      documents.join(random.pick(['---\n', '---\n\n', '---  \n', '\n---\n# another\n']));
    // Behind JSON the peer takes nothing but blanks.
    made[path] = text + random.pick(/^\s*\{/.test(text) ? ['', '\n'] : ['', '\n', '---\n', '---\n# the end\n']);
  }
  return made;
}
