import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatName, parseLocation, parseName } from '../../runtime/oci/name.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test('names are read as container engines read them', () => {
  const cases: [string, string][] = [
    ['debian', 'docker.io/library/debian'],
    ['docker.io/debian:12', 'docker.io/library/debian:12'],
    ['index.docker.io/me/app', 'docker.io/me/app'],
    ['me/app:v1', 'docker.io/me/app:v1'],
    ['localhost/app', 'localhost/app'],
    ['localhost:5000/a/b/c:v1', 'localhost:5000/a/b/c:v1'],
    ['198.18.255.1:5000/a__b', '198.18.255.1:5000/a__b'],
    ['[::1]:5000/a', '[::1]:5000/a'],
    ['GHCR.io/me/app', 'ghcr.io/me/app'],
    [`ghcr.io/me/app:v1@${digest}`, `ghcr.io/me/app:v1@${digest}`],
  ];
  for (const [text, expected] of cases) assert.equal(formatName(parseName(text)), expected, text);
});

test('what is no image name is refused with the name and what was expected', () => {
  const bad = ['', '@', 'a@b', 'ghcr.io/', 'ghcr.io/A/b', 'ghcr.io//a', 'ghcr.io/../a', 'a:', `a:${'t'.repeat(129)}`];
  bad.push(
    'a b',
    'ghcr.io/a/-b',
    `a@sha256:${'A'.repeat(64)}`,
    'host:port/a',
    'https://ghcr.io/a',
    `a@${digest}@${digest}`,
  );
  for (const text of bad) assert.throws(() => parseName(text), /is not an image name: expected /, text);
});

test('oci: names a layout folder, with a tag or a digest', () => {
  assert.deepEqual(parseLocation('oci:.cache/base'), { kind: 'layout', folder: '.cache/base' });
  assert.deepEqual(parseLocation('oci:/a/b:v1'), { kind: 'layout', folder: '/a/b', tag: 'v1' });
  assert.deepEqual(parseLocation(`oci:/a:b/c@${digest}`), { kind: 'layout', folder: '/a:b/c', digest });
  assert.equal(parseLocation('ghcr.io/a/b').kind, 'registry');
  assert.throws(() => parseLocation('oci:'), /a folder after "oci:"/);
  assert.throws(() => parseLocation('oci:a:b c'), /a tag of at most 128/);
});
