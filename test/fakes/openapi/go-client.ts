import type { Published } from './types.ts';

/** The paths of GitLab's API that the fake has. */
const wanted = [
  'projects/%s/repository/tree',
  'projects/%s/repository/blobs/%s/raw',
  'projects/%s/repository/files/%s/raw',
  'projects/%s/repository/commits/%s',
  'version',
];

/**
 * Reads paths, query parameters and fields of answers from the source of GitLab's own client for Go: its functions have the path
 * as a text, its options their names in `url` tags, its answers in `json` tags.
 */
export function readGoClient(text: string): Record<string, Published> {
  const functions = text.split(/^(?=func )/m);
  return Object.fromEntries(
    wanted.map((path) => {
      const used = functions.filter((one) => one.includes(`"${path}"`) && one.includes('http.MethodGet'));
      if (used.length === 0) throw new Error(`the client has no function for ${path}`);
      const heads = used.map((one) => one.slice(0, one.indexOf('\n')));
      const options = heads.flatMap((head) => /\bopt \*(\w+)/.exec(head)?.[1] ?? []);
      const answers = heads.flatMap((head) => /\) \((?:\[\])?\*?(\w+), /.exec(head)?.[1] ?? []);
      const names = ['PROJECT', path.includes('/files/') ? 'path' : path.includes('/commits/') ? 'ref' : 'sha'];
      const query = options.flatMap((name) => tagsOf(text, name, 'url'));
      const answer = answers.flatMap((name) => tagsOf(text, name, 'json'));
      return [
        `/${path.replaceAll('%s', () => `{${names.shift()?.toLowerCase()}}`)}`,
        { query: [...new Set(query)].sort(), answer: [...new Set(answer)].sort() },
      ];
    }),
  );
}

/** Names in the tags of a struct, and of those that are embedded in it. */
function tagsOf(text: string, struct: string, tag: 'url' | 'json'): string[] {
  const body = new RegExp(`^type ${struct} struct \\{\\n([^]*?)^\\}`, 'm').exec(text)?.[1] ?? '';
  return body.split('\n').flatMap((line) => {
    const embedded = /^\t(\w+)(?: `.*`)?$/.exec(line)?.[1];
    if (embedded !== undefined) return tagsOf(text, embedded, tag);
    return new RegExp(`\`.*\\b${tag}:"([\\w-]+)`).exec(line)?.[1] ?? [];
  });
}
