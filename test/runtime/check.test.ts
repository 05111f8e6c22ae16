import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainOf, extendChain, identityOfRef, identityOfRun } from '../../runtime/call/chain.ts';
import { checkCall, type GivenParam } from '../../runtime/call/check.ts';
import { explain, hasCode } from '../../runtime/errors.ts';
import type { ParamSpec, PipelineRun, PipelineWorkspaceDeclaration } from '../../runtime/tekton/types.ts';

const word = (name: string, text: string): GivenParam => ({ name, text });

function finding(
  params: ParamSpec[],
  given: GivenParam[],
  workspaces: PipelineWorkspaceDeclaration[] = [],
  bound: string[] = [],
): string {
  try {
    checkCall(
      'tests',
      { params, workspaces },
      given,
      bound.map((name) => ({ name, emptyDir: {} })),
    );
  } catch (error) {
    assert.ok(hasCode(error, 'INVALID'));
    const text = explain(error);
    assert.match(text, /^the call of tests does not fit: .*\. Nothing was created\.$/);
    return text.replace('the call of tests does not fit: ', '').replace('. Nothing was created.', '');
  }
  return '';
}

const typed = (spec: ParamSpec, given: GivenParam) => checkCall('tests', { params: [spec] }, [given], [])[0]?.value;

test('words are typed by what the Pipeline declares', () => {
  assert.equal(typed({ name: 'p' }, word('p', '["a"]')), '["a"]');
  assert.deepEqual(typed({ name: 'p', type: 'array' }, word('p', '["a","b"]')), ['a', 'b']);
  assert.deepEqual(typed({ name: 'p', type: 'object', properties: { k: {} } }, word('p', '{"k":"v"}')), { k: 'v' });
});

test('an undeclared type follows from default and properties, as in Tekton', () => {
  assert.deepEqual(typed({ name: 'p', default: ['x'] }, word('p', '["a"]')), ['a']);
  assert.deepEqual(typed({ name: 'p', properties: { k: {} } }, word('p', '{"k":"v"}')), { k: 'v' });
  assert.deepEqual(typed({ name: 'p', default: { k: 'x' } }, word('p', '{"k":"v"}')), { k: 'v' });
});

for (const [what, expected, params, given] of [
  ['a missing param', 'missing param p', [{ name: 'p' }, { name: 'q', default: '' }], []],
  ['an unknown param', 'unknown param x (it has p)', [{ name: 'p', default: '' }], [word('x', '')]],
  ['an unknown param where there are none', 'unknown param x (it has none)', [], [word('x', '')]],
  ['a param given twice', 'param p is given twice', [{ name: 'p' }], [word('p', '1'), word('p', '2')]],
  [
    'text for an array',
    'param p must be an array, but is the string "a"',
    [{ name: 'p', type: 'array' }],
    [word('p', 'a')],
  ],
  ['an array for text', 'param p must be a string, but is a list of 1', [{ name: 'p' }], [{ name: 'p', value: ['a'] }]],
  [
    'an object for an array',
    'param p must be an array, but is an object with k',
    [{ name: 'p', type: 'array' }],
    [word('p', '{"k":"v"}')],
  ],
  [
    'an array for an object',
    'param p must be an object, but is a list of 0',
    [{ name: 'p', type: 'object', properties: {} }],
    [word('p', '[]')],
  ],
  [
    'an array of other things than text',
    'param p may hold strings only, but holds the number 1',
    [{ name: 'p', type: 'array' }],
    [word('p', '["a",1]')],
  ],
  [
    'an object of other things than text',
    'param p may hold strings only, but holds a list of 0',
    [{ name: 'p', type: 'object', properties: { k: {} } }],
    [word('p', '{"k":[]}')],
  ],
  [
    'an object without a key that is needed',
    'param p lacks the key b',
    [{ name: 'p', type: 'object', properties: { a: {}, b: {}, c: {} }, default: { c: '1' } }],
    [word('p', '{"a":"1"}')],
  ],
  [
    'a value outside of an enum',
    'param p must be one of a, b, but is "c"',
    [{ name: 'p', enum: ['a', 'b'] }],
    [word('p', 'c')],
  ],
] as const satisfies [string, string, ParamSpec[], GivenParam[]][]) {
  test(`a call is refused before anything is created: ${what}`, () =>
    assert.equal(finding([...params], [...given]), expected));
}

test('workspaces are checked: missing, unknown, optional', () => {
  const spaces = [{ name: 'source' }, { name: 'cache', optional: true }];
  assert.equal(finding([], [], spaces, ['source']), '');
  assert.equal(finding([], [], spaces, []), 'missing workspace source');
  assert.equal(finding([], [], spaces, ['source', 'other']), 'unknown workspace other (it has source, cache)');
  assert.equal(finding([], [], [], ['other']), 'unknown workspace other (it has none)');
});

test('all findings are told at once', () => {
  assert.equal(
    finding([{ name: 'p' }, { name: 'q', type: 'array' }], [word('x', ''), word('q', 'a')], [{ name: 'w' }]),
    'unknown param x (it has p, q); param q must be an array, but is the string "a"; missing param p; missing workspace w',
  );
});

test("a value that needs another call's result is not checked by type, but its param must be declared", () => {
  const later = word('p', `\${calls.a.results.x[*]}`);
  assert.equal(finding([{ name: 'p', type: 'array' }], [later]), '');
  assert.equal(finding([], [later]), 'unknown param p (it has none)');
});

const run = (spec: PipelineRun['spec'], metadata: Partial<PipelineRun['metadata']> = {}): PipelineRun => ({
  metadata: { name: 'r', ...metadata },
  spec,
});
const callerOf = (parent: PipelineRun | undefined, annotations?: Record<string, string>) => ({
  namespace: 'ci',
  taskRun: 't',
  pipelineRun: parent?.metadata.name,
  run: { metadata: { name: 't', ...(annotations === undefined ? {} : { annotations }) }, spec: {} },
  parent,
  deadline: undefined,
});

test('a chain begins with the first caller, and is handed on in an annotation', () => {
  assert.deepEqual(chainOf(undefined), []);
  assert.deepEqual(chainOf(callerOf(run({ pipelineRef: { name: 'main' } }))), ['ci/main']);
  assert.deepEqual(chainOf(callerOf(run({}, { annotations: { 'subpipe.dev/call-chain': '["a","b"]' } }))), ['a', 'b']);
  assert.deepEqual(chainOf(callerOf(undefined)), []);
});

test('an annotation that is no chain is refused, because it cannot protect from a circle', () => {
  assert.throws(
    () => chainOf(callerOf(run({}, { annotations: { 'subpipe.dev/call-chain': 'x' } }))),
    /must be a JSON list, but is "x"/,
  );
});

test('a circle is refused with the chain', () => {
  assert.throws(
    () => extendChain(['ci/a', 'ci/b'], 'ci/a', 10),
    /the call would go round in a circle: ci\/a → ci\/b → ci\/a$/,
  );
});

test('a chain that is too deep is refused with the chain', () => {
  assert.deepEqual(extendChain(['ci/a', 'ci/b'], 'ci/c', 2), ['ci/a', 'ci/b', 'ci/c']);
  assert.throws(
    () => extendChain(['ci/a', 'ci/b', 'ci/c'], 'ci/d', 2),
    /the call is 3 deep, and max-depth is 2: ci\/a → ci\/b → ci\/c → ci\/d$/,
  );
});

test('the same Pipeline has the same name in a chain, however it is called', () => {
  const byName = identityOfRun(run({ pipelineRef: { name: 'tests' } }), 'ci');
  const params = [
    { name: 'kind', value: 'pipeline' },
    { name: 'name', value: 'tests' },
  ];
  assert.equal(byName, 'ci/tests');
  assert.equal(identityOfRef('cluster', params, 'ci'), byName);
  assert.equal(identityOfRef('cluster', [...params, { name: 'namespace', value: 'prod' }], 'ci'), 'prod/tests');
  assert.equal(identityOfRun(run({ pipelineSpec: {} }, { generateName: 'x-' }), 'ci'), 'ci/x-');
  const git = [
    { name: 'url', value: 'u' },
    { name: 'path', value: 'p' },
  ];
  assert.equal(identityOfRef('git', git, 'ci'), identityOfRef('git', git.toReversed(), 'ci'));
  assert.notEqual(identityOfRef('git', git, 'ci'), identityOfRef('git', git.slice(1), 'ci'));
});
