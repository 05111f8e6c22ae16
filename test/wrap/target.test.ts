import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBase, readTarget, repositoryOf, tagOf } from '../../runtime/wrap/target.ts';

const read = (text: string, ...names: string[]) => readTarget(text, '--oci-workspaces', names);

test("the seed's target: the name of the run and of the workspace", () => {
  const target = read('docker.io/vdemeester/pipelinerun-$(context.run.name)-{{workspace}}:latest', 'sources', 'cache');
  assert.equal(repositoryOf(target, 'sources'), 'docker.io/vdemeester/pipelinerun-$(context.pipelineRun.name)-sources');
  assert.equal(tagOf(target, 'sources'), 'latest');
});

test('a port is no tag, and names of workspaces become parts of a path', () => {
  const target = read('localhost:5000/a/{{workspace}}', 'My_Sources');
  assert.equal(target.tag, undefined);
  assert.equal(repositoryOf(target, 'My_Sources'), 'localhost:5000/a/my-sources');
  assert.equal(tagOf(read('localhost:5000/a:{{workspace}}', 'My_Sources'), 'My_Sources'), 'My_Sources');
});

test('several workspaces need a target that tells them apart', () => {
  assert.doesNotThrow(() => read('r.test/a', 'one'));
  assert.doesNotThrow(() => read('r.test/a:{{workspace}}', 'one', 'two'));
  assert.throws(() => read('r.test/a:latest', 'one', 'two'), {
    message: '--oci-workspaces is the same for the workspaces one, two: r.test/a:latest',
    hint: 'Put {{workspace}} into it.',
  });
  assert.throws(() => read('r.test/{{workspace}}', 'One', 'one'), { message: /is the same for/ });
});

test('what is no place for an image is refused', () => {
  for (const [text, message] of [
    ['r.test/a@sha256:00', /must have no digest/],
    ['oci:/folder', /must be a repository of a registry/],
    ['r.test/A', /is no place for an image/],
    ['r.test/a:b c', /is no place for an image/],
    ['r.test/$(tasks.a.results.b)', /has the variable \$\(tasks\.a\.results\.b\): expected \$\(context\.run\.name\)/],
  ] as const) {
    assert.throws(() => read(text, 'w'), { code: 'INVALID', message }, text);
  }
  assert.doesNotThrow(() => read('$(params.registry)/a/{{workspace}}:$(context.pipelineRun.uid)', 'w'));
});

test('what workspaces begin with is an image of a registry, which has variables as the target has', () => {
  assert.equal(
    readBase('r.test/$(context.run.name)-{{workspace}}:1', '--base'),
    'r.test/$(context.pipelineRun.name)-{{workspace}}:1',
  );
  const digest = `r.test/a@sha256:${'0'.repeat(64)}`;
  assert.equal(readBase(digest, '--base'), digest);
  for (const [text, message] of [
    ['not an image', /^--base is no image of a registry: not an image/],
    ['oci:/folder', /^--base is no image of a registry/],
    ['r.test/{{workspaces}}', /^--base is no image of a registry/],
    ['$(tasks.a.results.b)', /^--base has the variable \$\(tasks\.a\.results\.b\)/],
  ] as const) {
    assert.throws(() => readBase(text, '--base'), { code: 'INVALID', message }, text);
  }
});
