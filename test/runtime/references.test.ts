import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndedCall, malformedIn, referencesIn, substitute } from '../../runtime/call/references.ts';
import type { ParamValue } from '../../runtime/tekton/types.ts';

const ended = new Map<string, EndedCall>([
  [
    'tests',
    {
      run: 'main-tests-1',
      status: 'Succeeded',
      reason: 'Completed',
      results: { url: 'https://x', list: ['a', 'b'], map: { region: 'eu', 'a.b': 'dotted' }, empty: '' },
    },
  ],
  ['evil', { run: 'e', status: 'Failed', reason: 'Failed', results: { text: '${calls.tests.results.url} $& $1' } }],
]);

/** `ref('tests.status')` → `${calls.tests.status}`. */
const ref = (what: string): string => `\${calls.${what}}`;

for (const [what, value, expected] of [
  ['text', ref('tests.results.url'), 'https://x'],
  [
    'text within text',
    `see ${ref('tests.results.url')}/log and ${ref('tests.results.url')}`,
    'see https://x/log and https://x',
  ],
  ['an empty result', `[${ref('tests.results.empty')}]`, '[]'],
  [
    'status, reason and run',
    `${ref('tests.status')} ${ref('tests.reason')} ${ref('tests.run')}`,
    'Succeeded Completed main-tests-1',
  ],
  ['a whole array', ref('tests.results.list[*]'), ['a', 'b']],
  ['a whole array without [*]', ref('tests.results.list'), ['a', 'b']],
  ['one element', ref('tests.results.list[1]'), 'b'],
  ['a key', ref('tests.results.map.region'), 'eu'],
  ['a key with a dot', ref('tests.results.map.a.b'), 'dotted'],
  ['an array as an element, which widens the array', ['x', ref('tests.results.list[*]'), 'y'], ['x', 'a', 'b', 'y']],
  ['an array within text, as JSON', `l=${ref('tests.results.list[*]')}`, 'l=["a","b"]'],
  ['an object within an array, as JSON', [ref('tests.results.map[*]')], ['{"region":"eu","a.b":"dotted"}']],
  [
    'values of an object',
    { k: ref('tests.status'), l: ref('tests.results.list[*]') },
    { k: 'Succeeded', l: '["a","b"]' },
  ],
  ['a whole object', ref('tests.results.map[*]'), { region: 'eu', 'a.b': 'dotted' }],
  ['text without references', 'a $(params.x) $' + '{other.thing} $&', 'a $(params.x) $' + '{other.thing} $&'],
] as const satisfies [string, ParamValue, ParamValue][]) {
  test(`a reference is replaced: ${what}`, () => assert.deepEqual(substitute(value as ParamValue, ended), expected));
}

test('what a result says is not read as a reference, and $& in it means nothing', () => {
  const text = `${ref('evil.results.text')} | ${ref('tests.results.url')}`;
  assert.equal(substitute(text, ended), `${ref('tests.results.url')} $& $1 | https://x`);
});

for (const what of [
  'tests.results.none',
  'tests.results.list[7]',
  'tests.results.map.none',
  'tests.results.map.constructor',
  'tests.results.constructor',
  'tests.results.url.length',
  'tests.results.list.length',
  'other.status',
]) {
  test(`a reference without a value is refused by name: ${what}`, () => {
    assert.throws(
      () => substitute(ref(what), ended),
      (error: unknown) => String(error).includes(ref(what)),
    );
  });
}

test('references are found in text, arrays and objects, with the call that they need', () => {
  const value = [`${ref('a.status')}${ref('b.results.x[0]')}`, ref('c.results.y.key')];
  assert.deepEqual(
    referencesIn(value).map(({ call, field }) => [call, field]),
    [
      ['a', { kind: 'status' }],
      ['b', { kind: 'result', result: 'x', pick: 0 }],
      ['c', { kind: 'result', result: 'y', pick: 'key' }],
    ],
  );
  assert.deepEqual(
    referencesIn({ k: ref('a.run') }).map(({ text }) => text),
    [ref('a.run')],
  );
});

test('what was meant as a reference and is none is found', () => {
  for (const wrong of ['a.result.x', 'a.outputs.x', 'A.status', 'a.results', 'a']) {
    assert.equal(malformedIn(`x ${ref('a.status')} ${ref(wrong)} y`), ref(wrong));
  }
  assert.equal(malformedIn('$(calls.a.status)'), '$(calls.a.status)');
  assert.equal(malformedIn(['fine', `${ref('a.status')}`, '$(params.calls)']), undefined);
});

test('whatever stands around references, exactly they are replaced', () => {
  const alphabet = ['$', '{', '}', '(', ')', 'calls.', 'a', '\n', '\\', '$&', '"', ref('tests.status').slice(0, -1)];
  const noise = (): string =>
    Array.from(
      { length: Math.floor(Math.random() * 6) },
      () => alphabet[Math.floor(Math.random() * alphabet.length)],
    ).join('');
  for (let round = 0; round < 2000; round++) {
    // A letter apart: noise must not become a part of a reference.
    const [before, after] = [`${noise()} `, ` ${noise()}`];
    if (referencesIn(before + after).length > 0) continue;
    assert.equal(substitute(`${before}${ref('tests.status')}${after}`, ended), `${before}Succeeded${after}`);
  }
});
