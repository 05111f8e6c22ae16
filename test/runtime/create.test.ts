import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCall } from '../../runtime/call/call.ts';
import { type ChildPlan, childName } from '../../runtime/call/child.ts';
import { createOrAdopt } from '../../runtime/call/create.ts';
import { explain, hasCode } from '../../runtime/errors.ts';
import { pipelineRuns } from '../../runtime/kube/resource.ts';
import { FakeKube } from '../fakes/kube.ts';
import { clientOf } from '../support/kube.ts';
import { memoryLog } from '../support/step.ts';
import { addRun, endRun } from '../support/tekton.ts';

const plan: ChildPlan = {
  call: { ...readCall({ name: 'tests', pipeline: 'tests' }, 'call'), retries: 0, onFailure: 'fail' },
  source: {
    title: 'tests',
    identity: 'ci/tests',
    spec: {},
    target: { pipelineRef: { name: 'tests' } },
    base: undefined,
  },
  params: [],
  chain: [],
  namespace: 'ci',
  caller: undefined,
  callerUid: 'uid-1',
};
const name = (attempt: number): string => childName(plan, attempt);

async function using<T>(
  work: (kube: FakeKube, make: (from?: number) => ReturnType<typeof createOrAdopt>) => Promise<T>,
): Promise<T> {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  return await work(kube, (from = 0) => createOrAdopt(use.client, plan, from, memoryLog().log, use.signal));
}

test('a child is created by one request', () =>
  using(async (kube, make) => {
    const { run, attempt, adopted } = await make();
    assert.deepEqual([run.metadata.name, attempt, adopted], [name(0), 0, false]);
    assert.equal(kube.requests.length, 1);
  }));

test('a second try adopts the child that runs, and the one that has succeeded', () =>
  using(async (kube, make) => {
    const { run } = await make();
    const again = await make();
    assert.deepEqual([again.run.metadata.uid, again.adopted], [run.metadata.uid, true]);
    endRun(kube, name(0));
    assert.equal((await make()).run.metadata.uid, run.metadata.uid);
    assert.equal(kube.all(pipelineRuns).length, 1);
  }));

test('where the child failed a new one is made, and that one is adopted next', () =>
  using(async (kube, make) => {
    await make();
    endRun(kube, name(0), { status: 'False' });
    const second = await make();
    assert.deepEqual([second.run.metadata.name, second.attempt, second.adopted], [name(1), 1, false]);
    assert.deepEqual([(await make()).run.metadata.uid, (await make()).adopted], [second.run.metadata.uid, true]);
    endRun(kube, name(1), { status: 'False', reason: 'Cancelled' });
    assert.equal((await make()).attempt, 2);
  }));

test('a retry begins at the next attempt', () =>
  using(async (_, make) => {
    await make();
    assert.equal((await make(1)).run.metadata.name, name(1));
  }));

test('a child that is being deleted is not adopted', () =>
  using(async (kube, make) => {
    await make();
    kube.update(pipelineRuns, name(0), ({ metadata }) => {
      metadata.deletionTimestamp = new Date().toISOString();
    });
    assert.equal((await make()).attempt, 1);
  }));

test('a child that is deleted between the two requests is created after all', () =>
  using(async (kube, make) => {
    await make();
    kube.fail({ verb: 'get' }, { status: 404 });
    const made = make();
    await kube.seen({ verb: 'get' });
    kube.remove(pipelineRuns, name(0));
    const { run, attempt, adopted } = await made;
    assert.ok(adopted || attempt === 0);
    assert.equal(run.metadata.name, name(0));
    assert.equal(kube.all(pipelineRuns).length, 1);
  }));

test('an answer that is lost makes no twin', () =>
  using(async (kube, make) => {
    kube.fail({ verb: 'create' }, { status: 201, lost: true });
    const { run } = await make();
    assert.equal(run.metadata.name, name(0));
    assert.equal(kube.all(pipelineRuns).length, 1);
    assert.equal(kube.count({ verb: 'create' }), 2);
  }));

for (const labels of [
  {},
  { 'subpipe.dev/caller-uid': 'other', 'subpipe.dev/call': 'tests' },
  { 'subpipe.dev/caller-uid': 'uid-1', 'subpipe.dev/call': 'other' },
]) {
  test(`a run of the same name by somebody else is left alone: ${JSON.stringify(labels)}`, () =>
    using(async (kube, make) => {
      addRun(kube, name(0), { metadata: { name: name(0), labels } });
      const error: unknown = await make().catch((one: unknown) => one);
      assert.ok(hasCode(error, 'CONFLICT'));
      assert.match(explain(error), /was made by somebody else\. Delete it, or give the call another name\.$/);
      assert.equal(kube.all(pipelineRuns).length, 1);
    }));
}

test('what an admission webhook or RBAC refuses is said', () =>
  using(async (kube, make) => {
    kube.admission = () => 'expected at least one, got none: spec.pipelineRef';
    assert.match(
      explain(await make().catch((one: unknown) => one)),
      /denied the request: validation failed: expected at least one/,
    );
    kube.forbid({ verb: 'create' });
    assert.match(
      explain(await make().catch((one: unknown) => one)),
      /needs the verb create on pipelineruns\.tekton\.dev in namespace ci/,
    );
  }));
