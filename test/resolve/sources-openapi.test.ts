import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openForgeRepository } from '../../runtime/resolve/sources/repository.ts';
import { type FakeForgeKind, startForge } from '../fakes/forge.ts';
import published from '../fakes/openapi/published.json' with { type: 'json' };
import { keptLog, sourcesFor } from './support/sources.ts';

const blobs: Record<FakeForgeKind, string> = {
  github: '/o/r/blob/main/a.yaml',
  gitlab: '/o/r/-/blob/main/a.yaml',
  'bitbucket-cloud': '/o/r/src/main/a.yaml',
  'bitbucket-data-center': '/projects/O/repos/r/browse/a.yaml?at=main',
};

/** Query parameters that a forge documents for all its lists, and so not with each of them. */
const everywhere: Record<FakeForgeKind, string[]> = {
  github: ['page', 'per_page'],
  gitlab: ['page', 'per_page'],
  // `include` is said in the description of /commits only.
  'bitbucket-cloud': ['page', 'pagelen', 'include'],
  'bitbucket-data-center': [],
};

const kinds = ['github', 'gitlab', 'bitbucket-cloud', 'bitbucket-data-center'] as const;

for (const kind of kinds) {
  const { base, from, paths } = published[kind];

  test(`${kind}: every request and every field of an answer is one of the published API (${from})`, async () => {
    const branches = {
      main: {
        '.tekton/a.yaml': 'a: 1',
        '.tekton/link.yaml': '-> a.yaml',
        '.tekton/below/b.yaml': 'b: 1',
        'a.yaml': 'a: 1',
      },
      'feature/one': { '.tekton/b.yaml': 'b: 1' },
    };
    const name = kind === 'bitbucket-data-center' ? 'O/r' : 'o/r';
    await using forge = await startForge(kind, [{ name, branches }], { pageSize: 1 });
    const url = `${forge.url}/${name === 'O/r' ? 'projects/O/repos/r' : name}`;
    for (const revision of [undefined, 'main', 'feature/one']) {
      const options = { url, forge: kind, revision, allowPrivateAddresses: true, log: keptLog().log };
      const files = await (await openForgeRepository(options)).files();
      assert.ok(files.length > 0);
    }
    const sources = sourcesFor({ repoUrl: url, forge: kind, token: 'some-token' });
    assert.equal((await sources.fetch({ kind: 'url', url: `${forge.url}${blobs[kind]}` }, 'task')).text, 'a: 1');

    // {path} and {ref} stand for what may hold slashes.
    const patterns = Object.entries(paths).map(([path, described]) => {
      const pattern = path.replace(/\{(\w+)\}/g, (_all, part) => (/^(path|ref)$/.test(part) ? '.+' : '[^/]+'));
      return { pattern: new RegExp(`^${pattern}$`), described };
    });
    assert.ok(forge.requests.length > 5);
    for (const [index, line] of forge.requests.entries()) {
      const { pathname, searchParams } = new URL(line.split(' ')[1] ?? '', 'http://forge');
      const asked = pathname.slice(base.length);
      const found = patterns.find(({ pattern }) => pathname.startsWith(base) && pattern.test(asked));
      assert.ok(found, line);
      const unknown = [...searchParams.keys()].filter(
        (key) => !found.described.query.some((one) => one === key) && !everywhere[kind].includes(key),
      );
      assert.deepEqual(unknown, [], line);
      const answered = namesIn(forge.answers[index]);
      const invented = answered.filter((field) => !found.described.answer.some((one) => one === field));
      assert.deepEqual(invented, [], `the answer to ${line}`);
    }
  });
}

/** Names of all fields of a JSON value. */
function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [name, ...namesIn(one)]);
}
