import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf, fromOf, pipeline, stepsIn, tagged, task, taskIn, wrap } from './support.ts';

const result = (name: string): string => `$(tasks.${name}.results.subpipe-w)`;
const when = [{ input: '$(params.full)', operator: 'in', values: ['yes'] }];
const full = { params: [{ name: 'full', type: 'string' as const, default: 'yes' }] };

test('a Task pulls what the Task before it pushed; the first one has nothing to pull', async () => {
  const wrapped = wrap(pipeline([task('clone'), task('build', { runAfter: ['clone'] })]));
  assert.deepEqual(
    stepsIn(wrapped, 'clone').map(({ name }) => name),
    ['run', 'subpipe-push-w'],
  );
  assert.deepEqual(
    stepsIn(wrapped, 'build').map(({ name }) => name),
    ['subpipe-pull-w', 'run', 'subpipe-push-w'],
  );
  assert.deepEqual(fromOf(wrapped, 'build'), [result('clone')]);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('tasks between that have nothing to do with the workspace are passed through', async () => {
  const middle = { name: 'scan', runAfter: ['clone'], taskSpec: { steps: [{ image: 'busybox', script: 'true' }] } };
  const wrapped = wrap(pipeline([task('clone'), middle, task('build', { runAfter: ['scan'] })]));
  assert.deepEqual(fromOf(wrapped, 'build'), [result('clone')]);
  assert.deepEqual(taskIn(wrapped, 'scan'), middle);
});

test('what Tasks side by side have left is merged where they come together, and asked for once', async () => {
  const wrapped = wrap(
    pipeline([
      task('clone'),
      task('build', { runAfter: ['clone'] }),
      task('test', { runAfter: ['clone'] }),
      task('deploy', { runAfter: ['build', 'test', 'clone'] }),
    ]),
  );
  assert.deepEqual(fromOf(wrapped, 'deploy'), [result('build'), result('test')]);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('a use of results is an order as well', () => {
  const clone = task('clone', {}, { results: [{ name: 'commit', type: 'string' }] });
  const use = { params: [{ name: 'commit', value: '$(tasks.clone.results.commit)' }] };
  const wrapped = wrap(pipeline([clone, task('build', use, { params: [{ name: 'commit' }] })]));
  assert.deepEqual(fromOf(wrapped, 'build'), [result('clone')]);
  const asked = wrap(
    pipeline([clone, task('build', { when: [{ ...when[0], input: '$(tasks.clone.results.commit)' }] })]),
  );
  assert.deepEqual(fromOf(asked, 'build'), [result('clone')]);
});

test('a Task that when may skip is asked for by its tag, beside what comes before it', async () => {
  const wrapped = wrap(
    pipeline(
      [task('clone'), task('lint', { runAfter: ['clone'], when }), task('build', { runAfter: ['lint'] })],
      [],
      full,
    ),
  );
  assert.deepEqual(fromOf(wrapped, 'build'), [tagged('lint'), result('clone')]);
  const [pull] = stepsIn(wrapped, 'build');
  assert.ok(Array.isArray(pull?.args) && pull.args.includes('--optional=true'));
  assert.deepEqual(fromOf(wrapped, 'lint'), [result('clone')]);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('behind a Task that may be skipped, results of Tasks that may be missing are not asked for', () => {
  // When lint is skipped by its when, build runs even where fetch was skipped for want of a result of probe.
  const probe = task('probe', { when }, { results: [{ name: 'url', type: 'string' }] });
  const fetch = task(
    'fetch',
    { params: [{ name: 'url', value: '$(tasks.probe.results.url)' }] },
    { params: [{ name: 'url' }] },
  );
  const lint = task('lint', { runAfter: ['fetch'], when });
  const wrapped = wrap(pipeline([probe, fetch, lint, task('build', { runAfter: ['lint'] })], [], full));
  assert.deepEqual(fromOf(wrapped, 'fetch'), [tagged('probe')]);
  assert.deepEqual(fromOf(wrapped, 'build'), [tagged('lint'), tagged('fetch')]);
});

test('a Task whose failure is accepted is asked for by its tag', () => {
  const wrapped = wrap(
    pipeline([
      task('clone'),
      task('test', { runAfter: ['clone'], onError: 'continue' }),
      task('report', { runAfter: ['test'] }),
    ]),
  );
  assert.deepEqual(fromOf(wrapped, 'report'), [tagged('test'), result('clone')]);
});

test('all images of a Task with a matrix are taken', async () => {
  const matrix = { params: [{ name: 'os', value: ['linux', 'darwin'] }] };
  const wrapped = wrap(
    pipeline([task('build', { matrix }, { params: [{ name: 'os' }] }), task('pack', { runAfter: ['build'] })]),
  );
  assert.deepEqual(fromOf(wrapped, 'pack'), ['$(tasks.build.results.subpipe-w[*])']);
  const push = stepsIn(wrapped, 'build').at(-1);
  assert.ok(Array.isArray(push?.args) && push.args.includes('--announce=true'), 'side by side to one tag');
  const other = stepsIn(wrapped, 'pack').at(-1);
  assert.ok(Array.isArray(other?.args) && other.args.includes('--announce=false'), 'a retry takes its place');
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('Tasks of finally ask for what all Tasks have pushed, and for no result', async () => {
  const wrapped = wrap(
    pipeline(
      [task('clone'), task('build', { runAfter: ['clone'] }), task('test', { runAfter: ['clone'] })],
      [task('report')],
    ),
  );
  assert.deepEqual(fromOf(wrapped, 'report'), [tagged('clone'), tagged('build'), tagged('test')]);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('a Task that may only read pulls, and nobody pulls from it', async () => {
  const reader = task('scan', { runAfter: ['clone'] }, { workspaces: [{ name: 'w', readOnly: true }] });
  const wrapped = wrap(pipeline([task('clone'), reader, task('build', { runAfter: ['scan'] })]));
  assert.deepEqual(
    stepsIn(wrapped, 'scan').map(({ name }) => name),
    ['subpipe-pull-w', 'run'],
  );
  assert.deepEqual(fromOf(wrapped, 'build'), [result('clone')]);
  assert.deepEqual(await findingsOf(wrapped), []);
});

test('base is what a workspace begins with, for a first Task and where all before may be missing', () => {
  const wrapped = wrap(pipeline([task('lint', { when }), task('build', { runAfter: ['lint'] })], [], full), {
    base: 'registry.test/base:1',
  });
  assert.deepEqual(fromOf(wrapped, 'lint'), []);
  for (const name of ['lint', 'build']) {
    const [pull] = stepsIn(wrapped, name);
    assert.ok(Array.isArray(pull?.args) && pull.args.includes('--base=registry.test/base:1'), name);
  }
});
