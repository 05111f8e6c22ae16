import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lined } from '../../runtime/archive/merge/lineage.ts';
import { type Digest, digestOf } from '../../runtime/oci/digest.ts';
import { mediaTypes, type StoredManifest, storeManifest } from '../../runtime/oci/manifest.ts';
import { lineageAnnotation, lineageAnnotationOf, lineageIn } from '../../runtime/workspace/lineage.ts';

const layersOf = (names: string) => [...names].map((name) => ({ digest: digestOf(name) }));

function manifestOf(names: string, annotations: Record<string, string>): StoredManifest & { kind: 'image' } {
  const described = (digest: Digest) => ({ mediaType: mediaTypes.layer, digest, size: 1 });
  const manifest = storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: described(digestOf('config')),
    layers: layersOf(names).map(({ digest }) => described(digest)),
    annotations,
  });
  assert.ok(manifest.kind === 'image');
  return manifest;
}

/** An image with these layers, made from others. */
function made(names: string, ...parents: Lined[]): Lined & { annotations: Record<string, string> } {
  const layers = layersOf(names);
  const annotations = lineageAnnotationOf(layers, parents);
  return { layers, annotations, lineage: lineageIn(manifestOf(names, annotations)) };
}

const named = (image: Lined) =>
  image.lineage?.lines.map(({ layers }) => layers.map((digest) => nameOf(digest)).join(''));
const nameOf = (digest: Digest) => [...'abcdefgstuvwxyz'].find((name) => digestOf(name) === digest) ?? '?';

test('an image says what it stands for only where its layers do not', () => {
  const first = made('a');
  const next = made('ab', first);
  assert.deepEqual([first.annotations, next.annotations], [{}, {}]);
  const anew = made('st', next);
  assert.deepEqual([named(anew), anew.lineage?.anew, anew.lineage?.from], [['ab'], 2, [0]]);
  const later = made('stc', anew);
  assert.deepEqual([named(later), later.lineage?.anew], [['ab'], 2]);
  const again = made('u', later);
  assert.deepEqual(named(again), ['stc', 'ab']);
  assert.deepEqual(again.lineage?.lines, [
    { layers: layersOf('stc').map(({ digest }) => digest), anew: 2, from: [1] },
    { layers: layersOf('ab').map(({ digest }) => digest), anew: 0, from: [] },
  ]);
});

test('of a merge, what is among its layers is told by numbers', () => {
  const merge = made('abc', made('ab', made('a')), made('ac', made('a')));
  assert.deepEqual(named(merge), ['ac']);
  assert.match(Object.values(merge.annotations)[0] ?? '', /"layers":\[0,2\]/);
});

test('no more than a manifest has room for is told, the newest first', () => {
  let image = made('a');
  for (let i = 0; i < 200; i++)
    image = made(i % 2 === 0 ? 's' : 't', { ...image, layers: [{ digest: digestOf(`${i}`) }] });
  assert.equal(image.lineage?.lines.length, 64);
  assert.equal(image.lineage?.lines[0]?.layers[0], digestOf('199'));
  const text = Object.values(image.annotations)[0] ?? '';
  assert.ok(text.length < 100_000, `${text.length}`);
});

test('what is no lineage counts as none', () => {
  const line = { layers: [digestOf('a')], anew: 0, from: [] };
  const good = { anew: 1, from: [0], lines: [line] };
  const bad: unknown[] = [
    null,
    [],
    'text',
    { ...good, from: [1] },
    { ...good, from: [-1] },
    { ...good, anew: 0.5 },
    { ...good, anew: '1' },
    { ...good, lines: [{ ...line, layers: ['sha256:short'] }] },
    { ...good, lines: [{ ...line, layers: [7] }] },
    { ...good, lines: [{ ...line, layers: [-1] }] },
    { ...good, lines: [{ ...line, from: [4] }] },
    { ...good, lines: [line, null] },
    { ...good, lines: Array(65).fill(line) },
    { ...good, lines: {} },
  ];
  for (const value of bad) {
    const found = lineageIn(manifestOf('a', { [lineageAnnotation]: JSON.stringify(value) }));
    assert.deepEqual(found, { anew: 0, from: [], lines: [] }, JSON.stringify(value).slice(0, 80));
  }
  assert.deepEqual(lineageIn(manifestOf('a', { [lineageAnnotation]: '{' })).lines, []);
  assert.deepEqual(lineageIn(manifestOf('a', { [lineageAnnotation]: JSON.stringify(good) })), good);
});
