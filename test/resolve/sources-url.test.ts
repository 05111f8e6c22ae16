import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseForgeUrl, parseRepositoryUrl } from '../../runtime/resolve/sources/forge-url.ts';
import { github } from '../../runtime/resolve/sources/github.ts';
import { inside } from '../../runtime/resolve/sources/inside.ts';
import { publicUrl } from '../../runtime/resolve/sources/public-url.ts';

const urls: [
  title: string,
  url: string,
  kind: string,
  repository: string,
  ref: string | undefined,
  path: string,
  raw: string,
][] = [
  [
    'GitHub blob',
    'https://github.com/o/r/blob/main/a/b.yaml',
    'github',
    'o/r',
    'main',
    'a/b.yaml',
    'https://github.com/o/r/raw/main/a/b.yaml',
  ],
  [
    'GitHub blob with %2F',
    'https://github.com/o/r/blob/feature%2Fx/b.yaml',
    'github',
    'o/r',
    'feature/x',
    'b.yaml',
    'https://github.com/o/r/raw/feature%2Fx/b.yaml',
  ],
  [
    'GitHub raw',
    'https://raw.githubusercontent.com/o/r/main/a/b.yaml',
    'github',
    'o/r',
    'main',
    'a/b.yaml',
    'https://raw.githubusercontent.com/o/r/main/a/b.yaml',
  ],
  [
    'GitHub raw by full ref',
    'https://raw.githubusercontent.com/o/r/refs/heads/main/b.yaml',
    'github',
    'o/r',
    'refs/heads/main',
    'b.yaml',
    'https://raw.githubusercontent.com/o/r/refs/heads/main/b.yaml',
  ],
  [
    'GitHub Enterprise blob',
    'https://github.example.com/o/r/blob/v1/b.yaml',
    'github',
    'o/r',
    'v1',
    'b.yaml',
    'https://github.example.com/o/r/raw/v1/b.yaml',
  ],
  [
    'GitHub Enterprise raw host',
    'https://raw.github.example.com/o/r/main/b.yaml',
    'github',
    'o/r',
    'main',
    'b.yaml',
    'https://raw.github.example.com/o/r/main/b.yaml',
  ],
  [
    'GitHub Enterprise raw path',
    'https://github.example.com/raw/o/r/main/b.yaml',
    'github',
    'o/r',
    'main',
    'b.yaml',
    'https://github.example.com/raw/o/r/main/b.yaml',
  ],
  [
    'GitLab blob',
    'https://gitlab.com/g/s/r/-/blob/main/a/b.yaml',
    'gitlab',
    'g/s/r',
    'main',
    'a/b.yaml',
    'https://gitlab.com/g/s/r/-/raw/main/a/b.yaml',
  ],
  [
    'GitLab raw with %2F',
    'https://gitlab.com/g/r/-/raw/feature%2Fx/b.yaml',
    'gitlab',
    'g/r',
    'feature/x',
    'b.yaml',
    'https://gitlab.com/g/r/-/raw/feature%2Fx/b.yaml',
  ],
  [
    'GitLab without the dash',
    'https://gitlab.com/g/s/r/blob/main/b.yaml',
    'gitlab',
    'g/s/r',
    'main',
    'b.yaml',
    'https://gitlab.com/g/s/r/raw/main/b.yaml',
  ],
  [
    'GitLab on any host',
    'https://code.example.com/g/r/-/blob/main/b.yaml',
    'gitlab',
    'g/r',
    'main',
    'b.yaml',
    'https://code.example.com/g/r/-/raw/main/b.yaml',
  ],
  [
    'Gitea branch',
    'https://code.example.com/o/r/src/branch/feature%2Fx/a/b.yaml',
    'gitea',
    'o/r',
    'feature/x',
    'a/b.yaml',
    'https://code.example.com/o/r/raw/branch/feature%2Fx/a/b.yaml',
  ],
  [
    'Forgejo tag',
    'https://codeberg.org/o/r/raw/tag/v1/b.yaml',
    'gitea',
    'o/r',
    'v1',
    'b.yaml',
    'https://codeberg.org/o/r/raw/tag/v1/b.yaml',
  ],
  [
    'Gitea commit',
    'https://gitea.example.com/o/r/src/commit/abc/b.yaml',
    'gitea',
    'o/r',
    'abc',
    'b.yaml',
    'https://gitea.example.com/o/r/raw/commit/abc/b.yaml',
  ],
  [
    'Bitbucket Cloud',
    'https://bitbucket.org/w/r/src/main/a/b.yaml',
    'bitbucket-cloud',
    'w/r',
    'main',
    'a/b.yaml',
    'https://bitbucket.org/w/r/raw/main/a/b.yaml',
  ],
  [
    'Bitbucket Data Center',
    'https://bb.example.com/projects/P/repos/r/browse/a/b.yaml?at=refs%2Fheads%2Fx',
    'bitbucket-data-center',
    'P/r',
    'refs/heads/x',
    'a/b.yaml',
    'https://bb.example.com/projects/P/repos/r/raw/a/b.yaml?at=refs%2Fheads%2Fx',
  ],
  [
    'Bitbucket Data Center, a person, a context path',
    'https://example.com/git/users/me/repos/r/raw/b.yaml',
    'bitbucket-data-center',
    '~me/r',
    undefined,
    'b.yaml',
    'https://example.com/git/users/me/repos/r/raw/b.yaml',
  ],
];

for (const [title, url, kind, repository, ref, path, raw] of urls) {
  test(`${title}: repository, ref, path and raw address`, () => {
    const parsed = parseForgeUrl(url);
    assert.deepEqual(parsed && [parsed.kind, parsed.repository, parsed.ref, parsed.path, parsed.raw], [
      kind,
      repository,
      ref,
      path,
      raw,
    ]);
  });

  test(`${title}: another path keeps the ref as it is spelled`, () => {
    const parsed = parseForgeUrl(url);
    const other = parsed?.at('x y/#1.yaml') ?? '';
    assert.deepEqual(parseForgeUrl(other)?.path, 'x y/#1.yaml');
    assert.equal(parseForgeUrl(other)?.ref, ref);
    if (/%2F/.test(url)) assert.match(other, /%2F/);
  });
}

test('a folder, a page and a file of no repository are no forge URLs', () => {
  for (const url of [
    'https://github.com/o/r',
    'https://github.com/o/r/blob/main',
    'https://gitlab.com/g/r/-/tree/main/a',
    'https://example.com/a/b.yaml',
  ]) {
    assert.equal(parseForgeUrl(url), undefined, url);
  }
});

test('the addresses of a repository are understood as git and people write them', () => {
  const of = (url: string) => {
    const { base, repository } = parseRepositoryUrl(url);
    return `${base.href} ${repository}`;
  };
  assert.equal(of('https://github.com/o/r.git'), 'https://github.com/ o/r');
  assert.equal(of('git@gitlab.com:g/s/r.git'), 'https://gitlab.com/ g/s/r');
  assert.equal(of('ssh://git@example.com:7999/p/r.git'), 'https://example.com/ p/r');
  assert.equal(of('https://bb.example.com/scm/PROJ/r.git'), 'https://bb.example.com/ PROJ/r');
  assert.equal(of('https://bb.example.com/git/projects/PROJ/repos/r/browse'), 'https://bb.example.com/git PROJ/r');
  assert.equal(of('http://127.0.0.1:3000/o/r/'), 'http://127.0.0.1:3000/ o/r');
  assert.throws(
    () => of('https://user:secretword@/'),
    (error: Error) => !error.message.includes('secretword'),
  );
  assert.throws(() => of('/home/me/r'), /not understood/);
});

test("GitHub's API is at api.github.com, and at HOST/api/v3 for GitHub Enterprise", () => {
  assert.equal(github.base(new URL('https://github.com/')), 'https://api.github.com');
  assert.equal(github.base(new URL('https://github.example.com/')), 'https://github.example.com/api/v3');
});

test('a public URL has no user, no password, no token and no fragment, and is else as it was', () => {
  assert.equal(
    publicUrl('https://me:verysecret@example.com/a%2Fb?x=1&token=abcdef123&y=%20#f'),
    'https://example.com/a%2Fb?x=1&y=%20',
  );
  assert.equal(publicUrl('https://example.com/a?private_token=abcdef123'), 'https://example.com/a');
  assert.equal(publicUrl('https://example.com/a?at=main&page=2'), 'https://example.com/a?at=main&page=2');
});

test('a path leads out of the repository by no spelling', () => {
  assert.equal(inside('./b.yaml', 'a'), 'a/b.yaml');
  assert.equal(inside('../b.yaml', 'a'), 'b.yaml');
  assert.equal(inside('a/./c/../b.yaml'), 'a/b.yaml');
  for (const path of ['../b.yaml', 'a/../../b.yaml', '/etc/passwd', '..', '.', '', 'a/', 'a\\..\\b', 'a\0b', 'C:/a']) {
    assert.throws(() => inside(path), { code: 'INVALID' }, path);
  }
  assert.throws(() => inside('../../b.yaml', 'a'), /leads out of the repository/);
});
