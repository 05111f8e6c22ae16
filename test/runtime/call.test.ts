import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readCall,
  readParams,
  readParamWord,
  readRef,
  readRun,
  readRunSpec,
  readSource,
  readWorkspaces,
} from '../../runtime/call/call.ts';
import { explain, hasCode } from '../../runtime/errors.ts';

const minimal = { name: 'tests', pipeline: 'tests' };

test('a call takes its defaults', () => {
  assert.deepEqual(readCall(minimal, 'calls[0]'), {
    name: 'tests',
    source: { kind: 'pipeline', name: 'tests' },
    params: [],
    workspaces: [],
    namespace: undefined,
    serviceAccount: undefined,
    timeout: undefined,
    retries: undefined,
    labels: {},
    annotations: {},
    runSpec: {},
    runAfter: [],
    onFailure: undefined,
  });
});

test('a call takes all its fields', () => {
  const call = readCall(
    {
      name: 'deploy',
      file: 'ci/deploy.yaml',
      pipeline: 'deploy',
      params: { image: 'x', count: 3, flag: true, list: ['a', 1], map: { k: 'v' } },
      workspaces: [{ name: 'source', persistentVolumeClaim: { claimName: 'c' }, subPath: 'a/b' }],
      namespace: 'prod',
      serviceAccount: 'deployer',
      timeout: '1h30m',
      retries: 2,
      labels: { team: 'ci', tier: 1 },
      annotations: { note: 'x' },
      runSpec: { taskRunSpecs: [] },
      runAfter: ['tests'],
      onFailure: 'continue',
    },
    'calls[1]',
  );
  assert.deepEqual(call.source, { kind: 'file', path: 'ci/deploy.yaml', pipeline: 'deploy' });
  assert.deepEqual(call.params, [
    { name: 'image', value: 'x' },
    { name: 'count', value: '3' },
    { name: 'flag', value: 'true' },
    { name: 'list', value: ['a', '1'] },
    { name: 'map', value: { k: 'v' } },
  ]);
  assert.equal(call.timeout, 5_400_000);
  assert.deepEqual(call.labels, { team: 'ci', tier: '1' });
  assert.equal(call.onFailure, 'continue');
});

for (const [value, expected] of [
  ['tests', /^calls\[0\] must be an object, but is the string "tests"/],
  [{ ...minimal, runafter: [] }, /^calls\[0\] has the unknown field runafter: expected only name, pipeline, /],
  [{ pipeline: 'x' }, /^calls\[0\]\.name must be a string, but is nothing/],
  [
    { ...minimal, name: 'Not-This' },
    /^calls\[0\]\.name must be lower case letters, digits and -, at most 63, but is "Not-This"/,
  ],
  [{ ...minimal, name: 'a'.repeat(64) }, /^calls\[0\]\.name must be lower case/],
  [
    { name: 'tests' },
    /^the call tests must say which Pipeline to call with exactly one of pipeline, pipelineRef, file and run, but has none/,
  ],
  [{ ...minimal, run: {} }, /exactly one of pipeline, pipelineRef, file and run, but has 2/],
  [{ ...minimal, pipeline: 7 }, /^the call tests: pipeline must be a string, but is the number 7/],
  [{ name: 'tests', file: [] }, /^the call tests: file must be a string, but is a list of 0/],
  [{ name: 'tests', pipelineRef: {} }, /^the call tests: pipelineRef must have exactly one of name and resolver/],
  [
    { name: 'tests', run: { kind: 'Pipeline' } },
    /^the call tests: run must be a PipelineRun, but its kind is the string "Pipeline"/,
  ],
  [{ ...minimal, params: 'x' }, /^the call tests: params must be a list, but is the string "x"/],
  [{ ...minimal, params: [{ name: 'a', val: 1 }] }, /^the call tests: params\[0\] has the unknown field val/],
  [{ ...minimal, params: [{ value: 'a' }] }, /^the call tests: params\[0\]\.name must be a string, but is nothing/],
  [{ ...minimal, params: { a: null } }, /^the call tests: params\.a must be an object, but is nothing/],
  [{ ...minimal, params: { a: [['b']] } }, /^the call tests: params\.a\[0\] must be a string, but is a list of 1/],
  [{ ...minimal, params: { a: { b: [] } } }, /^the call tests: params\.a\.b must be a string, but is a list of 0/],
  [{ ...minimal, workspaces: {} }, /^the call tests: workspaces must be a list, but is an object/],
  [
    { ...minimal, workspaces: [{ name: 'w' }] },
    /^the call tests: workspaces: the workspace w must have exactly one of .*, but has none/,
  ],
  [
    { ...minimal, workspaces: [{ name: 'w', emptyDir: {}, secret: {} }] },
    /the workspace w must have exactly one of .*, but has emptyDir, secret/,
  ],
  [
    { ...minimal, workspaces: [{ name: 'w', emptydir: {} }] },
    /^the call tests: workspaces\[0\] has the unknown field emptydir/,
  ],
  [{ ...minimal, workspaces: [{ emptyDir: {} }] }, /^the call tests: workspaces\[0\]\.name must be a string/],
  [{ ...minimal, namespace: 1 }, /^the call tests: namespace must be a string, but is the number 1/],
  [{ ...minimal, serviceAccount: true }, /^the call tests: serviceAccount must be a string, but is the boolean true/],
  [{ ...minimal, timeout: 60 }, /^the call tests: timeout must be a string, but is the number 60/],
  [{ ...minimal, timeout: '60' }, /^the call tests: timeout must be a duration such as/],
  [{ ...minimal, retries: '2' }, /^the call tests: retries must be a whole number, 0 or more, but is the string "2"/],
  [{ ...minimal, retries: -1 }, /^the call tests: retries must be a whole number/],
  [{ ...minimal, retries: 1.5 }, /^the call tests: retries must be a whole number/],
  [{ ...minimal, labels: [] }, /^the call tests: labels must be an object, but is a list of 0/],
  [{ ...minimal, labels: { a: null } }, /^the call tests: labels\.a must be a string, but is nothing/],
  [
    { ...minimal, annotations: { a: {} } },
    /^the call tests: annotations\.a must be a string, but is an object with no fields/,
  ],
  [{ ...minimal, runSpec: [] }, /^the call tests: runSpec must be an object/],
  [
    { ...minimal, runSpec: { status: 'Cancelled', pipelineRef: {} } },
    /^the call tests: runSpec must not have pipelineRef, status/,
  ],
  [{ ...minimal, runAfter: 'tests' }, /^the call tests: runAfter must be a list, but is the string "tests"/],
  [{ ...minimal, runAfter: [1] }, /^the call tests: runAfter must be a string, but is the number 1/],
  [
    { ...minimal, onFailure: 'ignore' },
    /^the call tests: onFailure must be fail or continue, but is the string "ignore"/,
  ],
] as const) {
  test(`a call is refused: ${expected.source.slice(0, 90)}`, () => {
    assert.throws(
      () => readCall(value, 'calls[0]'),
      (error: unknown) => {
        assert.ok(hasCode(error, 'INVALID'));
        assert.match(explain(error), expected);
        return true;
      },
    );
  });
}

test('a source is one of four, and pipeline beside file picks one of the file', () => {
  assert.deepEqual(readSource({ file: 'a.yaml' }, 'x'), { kind: 'file', path: 'a.yaml', pipeline: undefined });
  assert.deepEqual(readSource({ pipelineRef: { resolver: 'git', params: [{ name: 'url', value: 'u' }] } }, 'x'), {
    kind: 'ref',
    ref: { resolver: 'git', params: [{ name: 'url', value: 'u' }] },
  });
});

test("a reference has either name or resolver, and params of Tekton's shape", () => {
  assert.deepEqual(readRef({ name: 'x' }, 'r'), { name: 'x' });
  assert.throws(() => readRef({ name: 'x', resolver: 'git' }, 'r'), /exactly one of name and resolver/);
  assert.throws(() => readRef({ resolver: 'git', url: 'x' }, 'r'), /unknown field url/);
  assert.throws(() => readRef({ resolver: 'git', params: ['x'] }, 'r'), /r\.params\[0\] must be an object/);
  assert.throws(() => readRef({ resolver: 'git', params: [{ name: 'x', value: null }] }, 'r'), /r\.params\[0\]\.value/);
});

test('a whole PipelineRun has a spec with exactly one of pipelineRef and pipelineSpec', () => {
  const run = { kind: 'PipelineRun', spec: { pipelineRef: { name: 'x' } } };
  assert.equal(readRun(run, 'r').metadata.name, '');
  assert.equal(readRun({ ...run, metadata: { generateName: 'x-' } }, 'r').metadata.generateName, 'x-');
  assert.throws(() => readRun({ kind: 'PipelineRun', spec: {} }, 'r'), /r\.spec must have exactly one of/);
  assert.throws(
    () => readRun({ kind: 'PipelineRun', spec: { pipelineRef: {}, pipelineSpec: {} } }, 'r'),
    /exactly one of/,
  );
  assert.throws(() => readRun({ kind: 'PipelineRun' }, 'r'), /r\.spec must be an object, but is nothing/);
});

test('a word is a name and a value that may hold anything', () => {
  assert.deepEqual(readParamWord('a=b=c'), { name: 'a', text: 'b=c' });
  assert.deepEqual(readParamWord('a='), { name: 'a', text: '' });
  for (const word of ['a', '=b', '']) assert.throws(() => readParamWord(word), /each param must be name=value/);
});

test('params as a list and as a map are the same', () => {
  assert.deepEqual(readParams([{ name: 'a', value: ['x'] }], 'p'), readParams({ a: ['x'] }, 'p'));
});

for (const source of [
  'persistentVolumeClaim',
  'volumeClaimTemplate',
  'emptyDir',
  'configMap',
  'secret',
  'projected',
  'csi',
]) {
  test(`a workspace can be bound to ${source}`, () => {
    const binding = { name: 'w', subPath: 's', [source]: { any: 'thing' } };
    assert.deepEqual(readWorkspaces([binding], 'w'), [binding]);
  });
}

test('a fragment of a spec is kept as it is', () => {
  const spec = { taskRunTemplate: { podTemplate: { nodeSelector: { a: 'b' } } }, timeouts: { pipeline: '1h' } };
  assert.deepEqual(readRunSpec(spec, 'r'), spec);
});
